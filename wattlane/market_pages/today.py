"""The day's prices as a page shows them: what was traded in each interval, and a line of prices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from energy.market.models import PriceRow
from wattlane.household.chart import round_up
from wattlane.times import clock

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 240, 92, 92, 14, 30
PLOT_HEIGHT = HEIGHT - TOP - BOTTOM


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval's energy, in units of the chart's viewBox."""

    x: float
    y: float
    width: float
    height: float
    label: str
    energy_wh: int
    price_utok_per_kwh: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of energy; `steps`: the points of the price's line, broken where nothing was traded.

    `most_wh`, `most_utok`: what the top of either axis stands for. `retail_y`, `feed_in_y`: where
    the grid's own prices lie at noon.
    """

    bars: tuple[Bar, ...]
    steps: tuple[str, ...]
    most_wh: int
    most_utok: int
    retail_y: float
    feed_in_y: float
    labels: tuple[tuple[float, str], ...]

    @property
    def is_empty(self) -> bool:
        """Nothing was traded."""
        return not self.bars


@dataclass(frozen=True, slots=True)
class Today:
    """A local day of a market. `rows`: its intervals that were cleared, with their local time."""

    traded_wh: int
    money_ntok: int
    price_utok_per_kwh: int | None
    intervals: int
    rows: tuple[tuple[str, PriceRow], ...]
    chart: Chart


def today(rows: Sequence[PriceRow], zone: ZoneInfo) -> Today:
    """The day of these intervals, in order."""
    named = [(clock(one.start_ms, zone), one) for one in rows]
    traded = [(name, one) for name, one in named if one.price_utok_per_kwh is not None]
    energy_wh = sum(one.traded_wh for _, one in traded)
    money_ntok = sum(one.traded_wh * (one.price_utok_per_kwh or 0) for _, one in traded)
    return Today(
        traded_wh=energy_wh,
        money_ntok=money_ntok,
        price_utok_per_kwh=money_ntok // energy_wh if energy_wh else None,
        intervals=len(traded),
        rows=tuple(traded),
        chart=chart(named),
    )


def chart(named: Sequence[tuple[str, PriceRow]]) -> Chart:
    """The chart of named intervals, in order."""
    most_wh = round_up(max((one.traded_wh for _, one in named), default=0))
    most_utok = round_up(max((one.retail_utok_per_kwh for _, one in named), default=0))
    step = (WIDTH - LEFT - RIGHT) / max(len(named), 1)
    bars: list[Bar] = []
    lines: list[list[str]] = []
    line: list[str] = []
    for place, (name, one) in enumerate(named):
        price = one.price_utok_per_kwh
        if price is None:
            lines, line = [*lines, line], []
            continue
        x, height = LEFT + place * step, PLOT_HEIGHT * one.traded_wh / most_wh
        bars.append(
            Bar(
                round(x + step * 0.14, 1),
                round(TOP + PLOT_HEIGHT - height, 1),
                round(step * 0.72, 1),
                round(height, 1),
                name,
                one.traded_wh,
                price,
            )
        )
        y = _price_y(price, most_utok)
        line += [f"{x:.1f},{y}", f"{x + step:.1f},{y}"]
    every = max(1, math.ceil(len(named) / 6))
    noon = named[len(named) // 2][1] if named else None
    return Chart(
        bars=tuple(bars),
        steps=tuple(" ".join(one) for one in [*lines, line] if one),
        most_wh=most_wh,
        most_utok=most_utok,
        retail_y=_price_y(noon.retail_utok_per_kwh if noon else 0, most_utok),
        feed_in_y=_price_y(noon.feed_in_utok_per_kwh if noon else 0, most_utok),
        labels=tuple(
            (round(LEFT + (place + 0.5) * step, 1), name)
            for place, (name, _) in enumerate(named)
            if place % every == 0
        ),
    )


def _price_y(price_utok_per_kwh: int, most_utok: int) -> float:
    share = min(price_utok_per_kwh / most_utok, 1) if most_utok else 0
    return round(TOP + PLOT_HEIGHT * (1 - share), 1)
