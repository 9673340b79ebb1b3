"""Months of a local calendar, and the span of time that each of them is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from energy.errors import BadMonth
from energy.intervals import Interval, day_span, local_day

_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, shown like 2026-06. Raises BadMonth."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1970 <= self.year <= 9998 and 1 <= self.month <= 12):
            raise BadMonth(str(self))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def next(self) -> Month:
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def span(self, zone: ZoneInfo) -> Interval:
        """From its first midnight to that of the next month."""
        first, following = self._first(), self.next._first()
        return Interval(day_span(first, zone).start_ms, day_span(following, zone).start_ms)

    def _first(self) -> date:
        return date(self.year, self.month, 1)


def parse_month(text: str) -> Month:
    """A month as typed. Raises BadMonth."""
    found = _MONTH.fullmatch(text)
    if not found:
        raise BadMonth(text)
    return Month(int(found[1]), int(found[2]))


def month_of(time_ms: int, zone: ZoneInfo) -> Month:
    """The local month that holds a time."""
    day = local_day(time_ms, zone)
    return Month(day.year, day.month)
