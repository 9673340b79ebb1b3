"""Homes with their hours, and what would be different without one home's panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from energy.errors import BadReplay
from energy.intervals import Interval

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class HomeYear:
    """A home's hours, Wh: what it used and what its panels made."""

    home: int
    load_wh: tuple[int, ...]
    pv_wh: tuple[int, ...]

    def net_wh(self, hour: int) -> int:
        """Surplus of an hour if positive, else deficit."""
        return self.pv_wh[hour] - self.load_wh[hour]


@dataclass(frozen=True, slots=True)
class Street:
    """Homes with the same hours, the first of which begins at `start_ms` (Unix ms, UTC).

    `first_hour_of_day`: which local hour (0 to 23) that is. Raises BadReplay for homes whose hours
    do not match, or that are named twice.
    """

    homes: tuple[HomeYear, ...]
    start_ms: int
    first_hour_of_day: int

    def __post_init__(self) -> None:
        lengths = {len(hours) for home in self.homes for hours in (home.load_wh, home.pv_wh)}
        if len(lengths) != 1 or not self.hours:
            raise BadReplay("its homes do not all have the same hours")
        if len({home.home for home in self.homes}) != len(self.homes):
            raise BadReplay("a home is named twice")

    @property
    def hours(self) -> int:
        """How many hours there are."""
        return len(self.homes[0].load_wh) if self.homes else 0

    def interval(self, hour: int) -> Interval:
        """When an hour is."""
        start_ms = self.start_ms + hour * HOUR_MS
        return Interval(start_ms, start_ms + HOUR_MS)

    def hour_of_day(self, hour: int) -> int:
        """Which local hour it is, 0 to 23."""
        return (self.first_hour_of_day + hour) % 24

    def nets(self, hour: int) -> list[int]:
        """Each home's surplus or deficit, in the order of homes."""
        return [home.net_wh(hour) for home in self.homes]


@dataclass(frozen=True, slots=True)
class Totals:
    """What a street's hours add up to, Wh. `matched_wh`: the smaller of surplus and deficit of
    each hour, all that neighbours can trade; `hours_with_both`: in how many there are both."""

    load_wh: int
    pv_wh: int
    surplus_wh: int
    deficit_wh: int
    matched_wh: int
    hours_with_both: int


def totals(street: Street) -> Totals:
    """The sums over all hours."""
    surplus_wh = deficit_wh = matched_wh = hours_with_both = 0
    for hour in range(street.hours):
        surplus, deficit = surplus_and_deficit(street.nets(hour))
        surplus_wh += surplus
        deficit_wh += deficit
        matched_wh += min(surplus, deficit)
        hours_with_both += bool(surplus and deficit)
    return Totals(
        sum(sum(home.load_wh) for home in street.homes),
        sum(sum(home.pv_wh) for home in street.homes),
        surplus_wh,
        deficit_wh,
        matched_wh,
        hours_with_both,
    )


def surplus_and_deficit(nets_wh: Sequence[int]) -> tuple[int, int]:
    """(all surpluses, all deficits) of one hour, both >= 0."""
    surplus = sum(net for net in nets_wh if net > 0)
    return surplus, surplus - sum(nets_wh)


def without_panels(street: Street, home: int) -> Street:
    """The same street with one home whose panels are gone. Raises BadReplay for an unknown one."""
    if home not in {one.home for one in street.homes}:
        known = ", ".join(str(one.home) for one in street.homes)
        raise BadReplay(f"there is no home {home} in it; there are {known}")
    nothing = (0,) * street.hours
    return replace(
        street,
        homes=tuple(
            replace(one, pv_wh=nothing) if one.home == home else one for one in street.homes
        ),
    )
