"""Whether a reading may follow the one before it: each reason against it has an error of its own.

`check_next` is for whoever has every record; `check_shared` for a market that is shown some of
them, so that sequences may rise by more than one. A reading that passes is called verified.
"""

from __future__ import annotations

from energy.errors import (
    ClockNotSynchronised,
    ConflictingReading,
    ImplausibleReading,
    OtherMeterReading,
    OverlappingReading,
    ReplayedReading,
    RevokedKey,
    SkippedSequence,
    TamperedReading,
    WrongKey,
)
from energy.meters.meter import Meter
from energy.meters.reading import NONE_BEFORE, Reading
from energy.meters.registers import step
from energy.meters.sample import Clock

MOST_AHEAD_MS = 5_000
"""A reading that ends further in the future tells of a clock that runs ahead."""


def check_next(before: Reading | None, reading: Reading, meter: Meter, now_ms: int) -> None:
    """Whether it is the very next record of the meter after `before` (None: it is the first).

    Raises ReadingRefused by its leaves.
    """
    check_alone(reading, meter, now_ms)
    expected = 0 if before is None else before.sequence + 1
    if before is not None:
        _check_unseen(before, reading)
    if reading.sequence != expected:
        raise SkippedSequence(reading.meter, reading.sequence, expected)
    if reading.before != (NONE_BEFORE if before is None else before.digest):
        raise TamperedReading(
            reading.meter, reading.sequence, "it does not name the record before it"
        )
    if before is not None:
        _check_rise(before, reading, meter)


def check_shared(before: Reading | None, reading: Reading, meter: Meter, now_ms: int) -> None:
    """Whether it can be a later record of the meter than `before`, others in between left out.

    Raises ReadingRefused by its leaves.
    """
    if before is None:
        check_alone(reading, meter, now_ms)
    elif reading.sequence == before.sequence + 1:
        check_next(before, reading, meter, now_ms)
    else:
        check_alone(reading, meter, now_ms)
        _check_unseen(before, reading)
        _check_rise(before, reading, meter)


def check_alone(reading: Reading, meter: Meter, now_ms: int) -> None:
    """Whether it is a record of this meter by itself, whatever stands before it.

    Raises ReadingRefused by its leaves.
    """
    place = reading.meter, reading.sequence
    if reading.meter != meter.did:
        raise OtherMeterReading(*place, meter.did)
    if meter.key(reading.key_id) is not None and not reading.is_signed():
        raise TamperedReading(*place, "the signature does not fit the record")
    check_key(place, reading.key_id, reading.end_ms, meter)
    if reading.clock is not Clock.SYNCHRONISED:
        raise ClockNotSynchronised(*place, f"it says {reading.clock.value!r} itself")
    if reading.end_ms > now_ms + MOST_AHEAD_MS:
        ahead = reading.end_ms - now_ms
        raise ClockNotSynchronised(*place, f"its reading ends {ahead} ms in the future")


def check_key(place: tuple[str, int], key_id: str, time_ms: int, meter: Meter) -> None:
    """Whether a key counts for the meter at a time. `place`: meter and sequence, for the error.

    Raises WrongKey, RevokedKey.
    """
    key = meter.key(key_id)
    if key is None:
        raise WrongKey(*place, key_id, "is no key of this meter")
    if key.revoked_ms and time_ms >= key.revoked_ms:
        raise RevokedKey(*place, key_id, key.revoked_ms)
    if not key.is_valid_at(time_ms):
        ends = f" until {key.valid_until_ms} ms" if key.valid_until_ms else ""
        valid = f"is valid from {key.valid_from_ms} ms{ends}, not at {time_ms} ms"
        raise WrongKey(*place, key_id, valid)


def _check_unseen(before: Reading, reading: Reading) -> None:
    if reading.sequence == before.sequence and reading.digest != before.digest:
        raise ConflictingReading(reading.meter, reading.sequence, before.digest)
    if reading.sequence <= before.sequence:
        raise ReplayedReading(reading.meter, reading.sequence, before.sequence)


def _check_rise(before: Reading, reading: Reading, meter: Meter) -> None:
    place = reading.meter, reading.sequence
    takes_no_time = reading.end_ms == before.end_ms
    is_new_device = reading.register_epoch > before.register_epoch
    if reading.start_ms < before.end_ms or (takes_no_time and not is_new_device):
        raise OverlappingReading(*place, reading.start_ms, before.end_ms)
    rose = step(before, reading, meter.register_wh)
    span_ms = reading.end_ms - before.end_ms
    for name, rose_wh, most_wh in (
        ("import_wh", rose.import_wh, meter.most_import_wh(span_ms)),
        ("export_wh", rose.export_wh, meter.most_export_wh(span_ms)),
    ):
        if rose_wh > most_wh:
            raise ImplausibleReading(*place, name, rose_wh, most_wh)
