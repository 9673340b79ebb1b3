"""The readings that a market has been shown: checked one by one, and kept while needed.

What a home has shown for an interval follows from its readings at the interval's two ends. A home
has one meter at a time; where several are listed, the first that shows both ends speaks for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

from energy.community.members import Member
from energy.errors import NoVerifiedReading, UnknownMeter
from energy.intervals import Interval
from energy.meters.checking import check_shared
from energy.meters.meter import Meter, meters_of
from energy.meters.metering import DEFAULT_SLACK_MS, metered, most_wh
from energy.meters.reading import Reading
from energy.settlement.flows import Metered


class Measuring:
    """The readings of all homes, fed in the journal's order."""

    def __init__(self) -> None:
        self._tracks: dict[str, list[Reading]] = {}
        self._members: Sequence[Member] = ()
        self._meters: dict[str, Meter] = {}

    def newest(self, meter: str) -> Reading | None:
        """A meter's newest reading."""
        track = self._tracks.get(meter)
        return track[-1] if track else None

    def lists(self, meter: str, members: Sequence[Member]) -> bool:
        """Whether one of them has this meter."""
        return self._meter(meter, members) is not None

    def check(self, reading: Reading, members: Sequence[Member], now_ms: int) -> None:
        """Whether it is a member's reading that may follow the meter's last one.

        Raises UnknownMeter, ReadingRefused by its leaves.
        """
        meter = self._meter(reading.meter, members)
        if meter is None:
            raise UnknownMeter(reading.meter)
        check_shared(self.newest(reading.meter), reading, meter, now_ms)

    def take(self, reading: Reading) -> None:
        """Keep a reading that was checked."""
        self._tracks.setdefault(reading.meter, []).append(reading)

    def reaches(self, member: Member, time_ms: int) -> bool:
        """Whether any meter of a home has shown its registers at this time or later."""
        newest = (self.newest(key.did) for key in member.meters)
        return any(last is not None and last.end_ms >= time_ms for last in newest)

    def metered(self, member: Member, interval: Interval) -> Metered | None:
        """What a home's meter shows for an interval, None where an end of it is not verified, or
        all readings together show more than the connection can carry.

        Each of them may be a Wh above that, as registers are rounded: many of them could be many.
        """
        for did, meter in meters_of(member).items():
            track = self._tracks.get(did)
            if not track:
                continue
            try:
                shown = metered(member.account, interval, track, register_wh=meter.register_wh)
            except NoVerifiedReading:
                continue
            most_import_wh, most_export_wh = most_wh(meter, interval)
            if shown.import_wh <= most_import_wh and shown.export_wh <= most_export_wh:
                return shown
        return None

    def so_far(
        self, members: Sequence[Member], interval: Interval
    ) -> tuple[int, dict[int, Metered]]:
        """The latest time in an interval up to which homes have shown their registers, and what.

        The time is the earliest of the homes' newest readings, of those that are not far behind the
        newest of all; homes that are, or that showed nothing at the start, are left out. The time
        is the interval's start, and nobody is metered, where no reading lies in it.
        """
        newest: dict[int, int] = {}
        for member in members:
            ends = [
                last.end_ms
                for key in member.meters
                if (last := self.newest(key.did)) and interval.start_ms < last.end_ms
            ]
            if ends:
                newest[member.account] = min(max(ends), interval.end_ms)
        if not newest:
            return interval.start_ms, {}
        latest = max(newest.values())
        cut_ms = min(end for end in newest.values() if end >= latest - DEFAULT_SLACK_MS)
        part = Interval(interval.start_ms, cut_ms)
        found = {}
        for member in members:
            shown = self.metered(member, part)
            if shown is not None and newest.get(member.account, 0) >= cut_ms:
                found[member.account] = replace(shown, interval=interval)
        return cut_ms, found

    def _meter(self, did: str, members: Sequence[Member]) -> Meter | None:
        if self._members is not members:
            self._members = members
            self._meters = {}
            for member in reversed(members):
                self._meters.update(meters_of(member))
        return self._meters.get(did)

    def forget_before(self, time_ms: int, start_of: Callable[[int], int]) -> None:
        """Drop readings that no interval from this time on needs, nor the one in which a meter fell
        silent: of that, its next reading gives the end. `start_of`: where the interval that holds a
        time begins (Unix ms)."""
        for track in self._tracks.values():
            since_ms = min(time_ms, start_of(track[-1].end_ms))
            del track[: max(0, bisect_right(track, since_ms, key=lambda one: one.end_ms) - 1)]
