"""Small streets whose hours can be added up by hand."""

from __future__ import annotations

from energy.replay.street import HomeYear, Street


def street(*homes: tuple[int, list[int]]) -> Street:
    """(home, surplus or deficit of each hour); hour 0 begins at midnight."""
    return Street(
        tuple(
            HomeYear(
                home,
                tuple(max(-net, 0) for net in nets),
                tuple(max(net, 0) for net in nets),
            )
            for home, nets in homes
        ),
        0,
        0,
    )
