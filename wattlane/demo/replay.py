"""The day itself: meters are read, what they show is paid, and an interval's end settles it.

Readings come in order. All homes are read at once; once the market has all of their readings, every
home's agent follows it and pays what it owes by now, and the next reading waits until all have
paid. The clock is accelerated and waits where a channel or a top-up is not final yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wattlane.demo.plan import Plan

TARGET_SECONDS = 75.0
SECONDS_A_READING = 0.5
"""A replay takes the first, or so much a reading if that is less; waiting comes on top."""
TOP_UP_SHARE = 4
"""Homes top up when the first channel has used this part of what OPEN brought."""

Shown = Callable[[float, str], None]
Event = Callable[[], Awaitable[None]]


class Household(Protocol):
    """A home as the day asks of it."""

    async def read(self) -> None:
        """Take the meter's next reading, keep it, and show it to the market."""

    async def pay(self) -> list[float]:
        """Pay what is owed by now; how long each payment took, ms from call to acknowledgement."""


@dataclass(slots=True)
class Day:
    """What the replay measured."""

    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0


async def replay(
    plan: Plan, households: Mapping[str, Household], shown: Shown, at: Mapping[int, Event]
) -> Day:
    """Run the day. `at`: what else happens, just before the interval of that place (or after the
    last one, at the place after it), when all that was read before is paid. A home that is taken
    out of `households` meanwhile is not asked any more.

    Raises what households and events raise.
    """
    day, started = Day(), time.monotonic()
    line = plan.timeline
    places = {interval.start_ms: place for place, interval in enumerate(line.intervals)}
    places[line.times_ms[-1]] = len(line.intervals)
    pace_s = min(TARGET_SECONDS / len(line.times_ms), SECONDS_A_READING)
    begun = asyncio.get_running_loop().time()
    for number, time_ms in enumerate(line.times_ms, start=1):
        await asyncio.gather(*(one.read() for one in households.values()))
        for latencies in await asyncio.gather(*(one.pay() for one in households.values())):
            day.latencies_ms += latencies
        if time_ms in places and places[time_ms] in at:
            await at[places[time_ms]]()
        clock = datetime.fromtimestamp(time_ms / 1000, line.zone)
        shown(number, f"{clock:%H:%M}, {len(day.latencies_ms)} vouchers")
        begun = max(begun + pace_s, asyncio.get_running_loop().time() - pace_s)
        await asyncio.sleep(max(begun - asyncio.get_running_loop().time(), 0))
    day.seconds = time.monotonic() - started
    return day
