"""A day in bars: sold above the line, bought below it. Geometry only; the template draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 240, 92, 8, 14, 30


@dataclass(frozen=True, slots=True)
class Interval:
    """A span with a name for people: energy and money each way."""

    label: str
    sold_wh: int
    bought_wh: int
    earned_ntok: int
    spent_ntok: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `kind`: sold or bought."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    label: str
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across with what it stands for."""

    y: float
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole drawing in units of its viewBox."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    zero_y: float
    labels: tuple[tuple[float, str], ...]

    @property
    def is_empty(self) -> bool:
        """Nothing was traded."""
        return not self.bars


def chart(intervals: Sequence[Interval]) -> Chart:
    """The chart of these intervals, in order."""
    up = round_up(max((one.sold_wh for one in intervals), default=0))
    down = round_up(max((one.bought_wh for one in intervals), default=0))
    span = up + down or 1
    room = HEIGHT - TOP - BOTTOM
    zero_y = TOP + room * up / span
    step = (WIDTH - LEFT - RIGHT) / max(len(intervals), 1)
    bars = []
    for place, one in enumerate(intervals):
        x, width = LEFT + place * step + step * 0.14, step * 0.72
        for kind, energy_wh in (("sold", one.sold_wh), ("bought", one.bought_wh)):
            height = room * energy_wh / span
            y = zero_y - height if kind == "sold" else zero_y
            if energy_wh:
                bars.append(Bar(kind, round(x, 1), round(y, 1), round(width, 1), round(height, 1),
                                one.label, energy_wh))  # fmt: skip
    every = max(1, math.ceil(len(intervals) / 6))
    labels = tuple(
        (round(LEFT + (place + 0.5) * step, 1), one.label)
        for place, one in enumerate(intervals)
        if place % every == 0
    )
    ticks = [Tick(TOP, up)] if up else []
    ticks += [Tick(round(zero_y + room * down / span, 1), down)] if down else []
    return Chart(tuple(bars), tuple(ticks), round(zero_y, 1), labels)


def round_up(most: int) -> int:
    """The next 1, 2 or 5 times a power of ten; 0 stays 0."""
    if most <= 0:
        return 0
    power = int("1" + "0" * (len(str(most)) - 1))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= most)
