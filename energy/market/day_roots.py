"""The roots of meters' days that a market was given: the first of each day stays for good.

They say nothing about any reading. When one is disputed later, it is held against the root that
stood in the journal before (`commitments.check_disclosure`).
"""

from __future__ import annotations

from collections.abc import Iterable

from energy.community.members import Member
from energy.errors import DayRootGiven, TamperedReading, UnknownMeter
from energy.meters.checking import check_key
from energy.meters.commitments import DayRoot
from energy.meters.meter import meters_of


class DayRoots:
    """All roots, fed in the journal's order."""

    def __init__(self) -> None:
        self._given: dict[str, list[DayRoot]] = {}

    def of(self, meter: str, time_ms: int) -> DayRoot | None:
        """The root of a meter's day that holds a time (Unix ms, UTC)."""
        days = reversed(self._given.get(meter, ()))
        return next((day for day in days if day.start_ms <= time_ms < day.end_ms), None)

    def check(self, day: DayRoot, members: Iterable[Member]) -> None:
        """Whether a key of a member's meter has signed it, and no other root covers its time.

        Raises UnknownMeter, ReadingRefused by its leaves, DayRootGiven.
        """
        meters = (meters_of(member).get(day.meter) for member in members)
        meter = next((one for one in meters if one is not None), None)
        if meter is None:
            raise UnknownMeter(day.meter)
        place = day.meter, day.first
        check_key(place, day.key_id, day.end_ms - 1, meter)
        if not day.is_signed():
            raise TamperedReading(*place, "the signature does not fit the root of its day")
        for other in self._given.get(day.meter, ()):
            if other.start_ms < day.end_ms and day.start_ms < other.end_ms:
                raise DayRootGiven(day.meter, other.start_ms)

    def take(self, day: DayRoot) -> None:
        """Keep a root that was checked."""
        self._given.setdefault(day.meter, []).append(day)
