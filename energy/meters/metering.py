"""What a home's verified readings show for an interval, and which of them must be shown for that.

The registers at a boundary are those of the last reading at or before it that is not too old. Both
intervals that meet at a boundary take the same reading, so their differences add up to the day's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from energy.community.members import DEFAULT_REGISTER_WH
from energy.errors import NoVerifiedReading
from energy.intervals import Interval
from energy.meters.meter import Meter
from energy.meters.reading import Reading
from energy.meters.registers import between
from energy.meters.sample import Quality
from energy.settlement.flows import Metered

DEFAULT_SLACK_MS = 60_000
"""How long before a boundary its reading may be."""


def metered(
    home: int,
    interval: Interval,
    readings: Sequence[Reading],
    *,
    slack_ms: int = DEFAULT_SLACK_MS,
    register_wh: int = DEFAULT_REGISTER_WH,
) -> Metered:
    """What one meter of a home shows for an interval, from its verified readings in order.

    Measured it is only if the readings at both ends are, and no device was changed in between with
    a hole. Raises NoVerifiedReading where there is none at an end.
    """
    first = _at(home, interval.start_ms, readings, slack_ms)
    last = _at(home, interval.end_ms, readings, slack_ms)
    flowed = between(readings[first : last + 1], register_wh)
    ends = readings[first], readings[last]
    return Metered(
        home,
        interval,
        flowed.import_wh,
        flowed.export_wh,
        ends[0].digest,
        ends[1].digest,
        flowed.is_whole and all(one.quality is Quality.MEASURED for one in ends),
    )


def most_wh(meter: Meter, interval: Interval) -> tuple[int, int]:
    """The most that the readings of an interval's two ends can show, import and export, Wh.

    The first of them may be DEFAULT_SLACK_MS older than its boundary.
    """
    span_ms = interval.length_ms + DEFAULT_SLACK_MS
    return meter.most_import_wh(span_ms), meter.most_export_wh(span_ms)


def to_share(readings: Sequence[Reading], length_ms: int) -> tuple[Reading, ...]:
    """The records that a market needs for intervals of this length, of consecutive ones in order.

    The last at or before each boundary, and around a new register epoch the last of the old one and
    the first of the new one. The newest is among them only if it stands at a boundary itself, as
    else a later one may take its place.
    """
    shared = []
    for place, reading in enumerate(readings):
        before = readings[place - 1] if place else reading
        after = readings[place + 1] if place + 1 < len(readings) else None
        boundary_ms = -(-reading.end_ms // length_ms) * length_ms
        if after is None:
            is_needed = reading.end_ms == boundary_ms
        else:
            is_new_next = after.register_epoch != reading.register_epoch
            is_needed = after.end_ms > boundary_ms or is_new_next
        if is_needed or before.register_epoch != reading.register_epoch:
            shared.append(reading)
    return tuple(shared)


def _at(home: int, time_ms: int, readings: Sequence[Reading], slack_ms: int) -> int:
    place = bisect_right(readings, time_ms, key=lambda reading: reading.end_ms) - 1
    if place < 0 or readings[place].end_ms < time_ms - slack_ms:
        raise NoVerifiedReading(home, time_ms)
    return place
