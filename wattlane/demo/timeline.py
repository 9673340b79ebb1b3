"""When the street's meters are read: at times that all of them share, in UTC.

A market counts the energy between two readings, so an interval begins and ends with a reading of
every meter. A quarter of an hour is the rule; meters that read more seldom get longer intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from energy.intervals import Interval
from wattlane.errors import BadChoice
from wattlane.readings import Meter, common_times

MINUTE_MS = 60_000
READ_EVERY_MS = 5 * MINUTE_MS
"""Meters that show more are read so often, and at the ends of intervals."""
INTERVAL_MINUTES = (15, 30, 60, 5, 3, 1)
"""The first of these that fits is the street's interval."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Both registers of a meter at a time (Unix ms), Wh since the meter was made."""

    time_ms: int
    import_wh: int
    export_wh: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """`times_ms`: when all meters are read; `stands`: what each of them shows then, in this order.

    The intervals fill the time from the first reading to the last one. `zone`: where a day begins.
    """

    zone: ZoneInfo
    interval_ms: int
    times_ms: tuple[int, ...]
    intervals: tuple[Interval, ...]
    stands: Mapping[str, tuple[Stand, ...]]


def timeline(street: Sequence[Meter], zone: ZoneInfo) -> Timeline:
    """The street's readings in UTC; times without an offset are the zone's.

    Raises BadChoice where no interval begins and ends with a reading of every meter.
    """
    times = {_ms(time, zone) for time in common_times(street)}
    interval_ms = _interval_ms(times)
    first, last = min(times), max(times)
    read_ms = tuple(
        time for time in sorted(times) if not time % READ_EVERY_MS or not time % interval_ms
    )
    stands = {}
    for meter in street:
        shown = {_ms(one.time, zone): one for one in meter.readings}
        stands[meter.name] = tuple(
            Stand(time, shown[time].import_wh, shown[time].export_wh) for time in read_ms
        )
    intervals = tuple(
        Interval(start, start + interval_ms) for start in range(first, last, interval_ms)
    )
    return Timeline(zone, interval_ms, read_ms, intervals, stands)


def _ms(time: datetime, zone: ZoneInfo) -> int:
    aware = time if time.utcoffset() is not None else time.replace(tzinfo=zone)
    return int(aware.timestamp()) * 1000


def _interval_ms(times: set[int]) -> int:
    first, last = min(times, default=0), max(times, default=0)
    for minutes in INTERVAL_MINUTES:
        length = minutes * MINUTE_MS
        fits = first < last and not first % length and not last % length
        if fits and all(time in times for time in range(first, last, length)):
            return length
    known = ", ".join(map(str, sorted(INTERVAL_MINUTES)))
    raise BadChoice(
        f"no interval of {known} minutes begins and ends with a reading of every meter, from the "
        "first to the last; give readings at whole quarters of an hour, say"
    )
