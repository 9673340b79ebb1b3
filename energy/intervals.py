"""Intervals of trade in UTC, and the intervals of a local day: 92, 96 or 100 quarters of an hour.

Times are Unix milliseconds in UTC (`_ms`) everywhere; a zone only says where a day begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from energy.errors import BadInterval

QUARTER_MS = 900_000
DAY_S = 86_400


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """From `start_ms` up to `end_ms`, Unix milliseconds, UTC. Raises BadInterval."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_ms < self.end_ms:
            raise BadInterval(self.start_ms, self.end_ms, "the end must lie after the start")

    @property
    def length_ms(self) -> int:
        """Milliseconds from start to end."""
        return self.end_ms - self.start_ms

    def contains(self, time_ms: int) -> bool:
        """Whether the time lies in it; its end belongs to the next one."""
        return self.start_ms <= time_ms < self.end_ms


def interval_at(time_ms: int, length_ms: int = QUARTER_MS) -> Interval:
    """The interval of this length that holds a time; all are counted from the Unix epoch.

    Zones differ from UTC by whole quarters of an hour, so local quarters are these too.
    """
    start = time_ms // length_ms * length_ms
    return Interval(start, start + length_ms)


def day_span(day: date, zone: ZoneInfo) -> Interval:
    """A local day from its midnight to the next one: 23, 24 or 25 hours."""
    return Interval(_midnight_ms(day, zone), _midnight_ms(day + timedelta(days=1), zone))


def day_intervals(day: date, zone: ZoneInfo, length_ms: int = QUARTER_MS) -> tuple[Interval, ...]:
    """All intervals of a local day in order. Raises BadInterval where they do not fill it."""
    span = day_span(day, zone)
    if span.length_ms % length_ms or span.start_ms % length_ms:
        raise BadInterval(span.start_ms, span.end_ms, f"not whole intervals of {length_ms} ms")
    return tuple(
        Interval(start, start + length_ms) for start in range(span.start_ms, span.end_ms, length_ms)
    )


def local_day(time_ms: int, zone: ZoneInfo) -> date:
    """The local day that holds a time."""
    return datetime.fromtimestamp(time_ms // 1000, zone).date()


def days_before(time_ms: int, days: int, zone: ZoneInfo) -> int | None:
    """When it was the same local time so many days before, None if clocks left it out that day.

    Of an hour that there is twice it is the first, unless the time itself lies in a second one.
    """
    now = datetime.fromtimestamp(time_ms // 1000, zone)
    wished = (now - timedelta(days=days)).replace(fold=now.fold)
    then_s = int(wished.timestamp())
    found = datetime.fromtimestamp(then_s, zone)
    if found.replace(tzinfo=None, fold=0) != wished.replace(tzinfo=None, fold=0):
        return None
    return then_s * 1000 + time_ms % 1000


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp()) * 1000
