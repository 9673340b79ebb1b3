"""Each reason against a reading has a name of its own; a good chain passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.community.members import MeterKey
from energy.errors import (
    ClockNotSynchronised,
    ConflictingReading,
    FallingRegister,
    ImplausibleReading,
    OtherMeterReading,
    OverlappingReading,
    ReadingRefused,
    ReplayedReading,
    RevokedKey,
    SkippedSequence,
    TamperedReading,
    UnexplainedEpoch,
    WrongKey,
)
from energy.meters.checking import MOST_AHEAD_MS, check_next, check_shared
from energy.meters.reading import Reading
from energy.meters.sample import SWAP, WRAP, Clock, Sample
from tests.energy.meters.chains import (
    LATER_MS,
    MINUTE_MS,
    START_MS,
    chain,
    meter_of,
    salts_of,
    sample_at,
    signer_of,
)

SIGNER = signer_of(1)
METER = meter_of(SIGNER)
READINGS = chain(SIGNER, (sample_at(minute, 100 + minute, 50 * minute) for minute in range(4)))
FIRST, SECOND, THIRD, FOURTH = READINGS


def next_after(before: Reading, **sample: object) -> Reading:
    """A properly signed record of this sample: only what it says is wrong."""
    good = sample_at(2, 102, 100)
    return SIGNER.record(before, replace(good, **sample), salts_of(2))  # type: ignore[arg-type]


def test_a_good_chain_passes() -> None:
    before = None
    for reading in READINGS:
        check_next(before, reading, METER, LATER_MS)
        check_shared(before, reading, METER, LATER_MS)
        before = reading
    check_shared(FIRST, FOURTH, METER, LATER_MS)


@pytest.mark.parametrize(
    "change",
    [{"import_wh": 101}, {"export_wh": 0}, {"end_ms": THIRD.end_ms - 1}, {"raw_hash": bytes(32)}],
    ids=str,
)
def test_a_tampered_reading_is_refused(change: dict[str, int]) -> None:
    for check in (check_next, check_shared):
        with pytest.raises(TamperedReading, match="signature"):
            check(SECOND, replace(THIRD, **change), METER, LATER_MS)  # type: ignore[arg-type]


def test_a_record_that_follows_another_one_is_refused() -> None:
    """It is signed, and its number is right: but the chain before it is another."""
    other = chain(SIGNER, (sample_at(0, 100), sample_at(1, 101, 40)))
    third = SIGNER.record(other[1], sample_at(2, 102, 100), salts_of(2))
    for check in (check_next, check_shared):
        with pytest.raises(TamperedReading, match="does not name the record before"):
            check(SECOND, third, METER, LATER_MS)
    first = replace(other[0], before=SECOND.digest)
    signed = replace(first, signature=SIGNER.sign(first.unsigned))
    with pytest.raises(TamperedReading, match="does not name"):
        check_next(None, signed, METER, LATER_MS)


def test_a_replayed_reading_is_refused() -> None:
    for check in (check_next, check_shared):
        for replayed in (FIRST, SECOND):
            with pytest.raises(ReplayedReading, match="the next is 2"):
                check(SECOND, replayed, METER, LATER_MS)


def test_two_readings_of_one_number_are_told_as_such() -> None:
    other = SIGNER.record(FIRST, sample_at(1, 100), salts_of(1))
    for check in (check_next, check_shared):
        with pytest.raises(ConflictingReading, match=SECOND.digest.hex()):
            check(SECOND, other, METER, LATER_MS)


def test_a_skipped_sequence_is_refused() -> None:
    with pytest.raises(SkippedSequence, match="2 comes next"):
        check_next(SECOND, FOURTH, METER, LATER_MS)
    with pytest.raises(SkippedSequence, match="0 comes next"):
        check_next(None, SECOND, METER, LATER_MS)


def test_a_wrong_key_is_refused() -> None:
    other = signer_of(2, SIGNER.did)
    signed = other.record(SECOND, sample_at(2, 102, 100), salts_of(2))
    with pytest.raises(WrongKey, match="no key of this meter"):
        check_next(SECOND, signed, METER, LATER_MS)
    with pytest.raises(TamperedReading, match="signature"):
        check_next(SECOND, replace(signed, key_id=SIGNER.key_id), METER, LATER_MS)


def test_a_key_counts_in_its_time_alone() -> None:
    other = signer_of(2, SIGNER.did)
    signed = other.record(SECOND, sample_at(2, 102, 100), salts_of(2))
    key = MeterKey(SIGNER.did, other.key_id, START_MS)
    check_next(SECOND, signed, meter_of(SIGNER, key), LATER_MS)
    late = replace(key, valid_from_ms=signed.end_ms + 1)
    ended = replace(key, valid_until_ms=signed.end_ms)
    for times in (late, ended):
        with pytest.raises(WrongKey, match="is valid from"):
            check_next(SECOND, signed, meter_of(SIGNER, times), LATER_MS)
    edges = replace(key, valid_from_ms=signed.end_ms, valid_until_ms=signed.end_ms + 1)
    check_next(SECOND, signed, meter_of(SIGNER, edges), LATER_MS)


def test_a_revoked_key_is_refused() -> None:
    key = replace(METER.keys[0], revoked_ms=THIRD.end_ms)
    revoked = replace(METER, keys=(key,))
    check_next(FIRST, SECOND, revoked, LATER_MS)
    for check in (check_next, check_shared):
        with pytest.raises(RevokedKey, match=f"revoked at {THIRD.end_ms}"):
            check(SECOND, THIRD, revoked, LATER_MS)


@pytest.mark.parametrize("name", ["import_wh", "export_wh"])
def test_a_falling_register_is_refused(name: str) -> None:
    was = getattr(SECOND, name)
    check_next(SECOND, next_after(SECOND, **{name: was}), METER, LATER_MS)
    for check in (check_next, check_shared):
        with pytest.raises(FallingRegister, match=f"{name} falls from {was} to {was - 1}"):
            check(SECOND, next_after(SECOND, **{name: was - 1}), METER, LATER_MS)


def test_an_overlapping_reading_is_refused() -> None:
    for time_ms in (SECOND.end_ms - 1, SECOND.end_ms):
        overlapping = next_after(SECOND, time_ms=time_ms)
        with pytest.raises(OverlappingReading):
            check_next(SECOND, overlapping, METER, LATER_MS)
    early = replace(THIRD, start_ms=SECOND.end_ms - 1)
    signed = replace(early, signature=SIGNER.sign(early.unsigned))
    for check in (check_next, check_shared):
        with pytest.raises(OverlappingReading):
            check(SECOND, signed, METER, LATER_MS)


@pytest.mark.parametrize("clock", [Clock.INFORMATIVE, Clock.RELATIVE, Clock.UNKNOWN])
def test_a_clock_that_is_not_synchronised_is_refused(clock: Clock) -> None:
    with pytest.raises(ClockNotSynchronised, match=clock.value):
        check_next(SECOND, next_after(SECOND, clock=clock), METER, LATER_MS)


def test_a_clock_that_runs_ahead_is_refused() -> None:
    check_next(SECOND, THIRD, METER, THIRD.end_ms - MOST_AHEAD_MS)
    with pytest.raises(ClockNotSynchronised, match="in the future"):
        check_next(SECOND, THIRD, METER, THIRD.end_ms - MOST_AHEAD_MS - 1)


@pytest.mark.parametrize("name", ["import_wh", "export_wh"])
def test_more_than_the_connection_carries_is_refused(name: str) -> None:
    """20 kW for a minute are 333 Wh, and a register may show one more."""
    most = getattr(SECOND, name) + 20_000 // 60 + 1
    check_next(SECOND, next_after(SECOND, **{name: most}), METER, LATER_MS)
    for check in (check_next, check_shared):
        with pytest.raises(ImplausibleReading, match=f"{name} rose by 335 Wh.* at most 334 Wh"):
            check(SECOND, next_after(SECOND, **{name: most + 1}), METER, LATER_MS)


def test_another_meters_reading_is_refused() -> None:
    with pytest.raises(OtherMeterReading):
        check_next(SECOND, THIRD, meter_of(signer_of(2)), LATER_MS)


def test_a_new_epoch_must_be_explained() -> None:
    swapped = {"register_epoch": 1, "import_wh": 0, "export_wh": 0}
    check_next(SECOND, next_after(SECOND, **swapped, context=SWAP), METER, LATER_MS)
    for wrong, named in (
        (swapped, "neither"),
        (swapped | {"register_epoch": 2, "context": SWAP}, "one at a time"),
        ({"register_epoch": 1, "context": WRAP}, "no register has wrapped"),
    ):
        with pytest.raises(UnexplainedEpoch, match=named):
            check_next(SECOND, next_after(SECOND, **wrong), METER, LATER_MS)


def test_a_wrap_cannot_hide_energy() -> None:
    """A register that 'wraps' at 100 Wh has risen by nearly all it can show: no connection can."""
    fallen = next_after(SECOND, register_epoch=1, context=WRAP, import_wh=0)
    with pytest.raises(ImplausibleReading):
        check_next(SECOND, fallen, METER, LATER_MS)


def test_a_new_device_may_begin_at_the_moment_of_the_old_ones_end() -> None:
    opening = Sample(SECOND.end_ms, Clock.SYNCHRONISED, 7, 3, 1, context=SWAP)
    reading = SIGNER.record(SECOND, opening, salts_of(2))
    check_next(SECOND, reading, METER, LATER_MS)
    early = replace(opening, time_ms=SECOND.end_ms - MINUTE_MS)
    overlapping = SIGNER.record(SECOND, early, salts_of(2))
    with pytest.raises(OverlappingReading):
        check_next(SECOND, overlapping, METER, LATER_MS)


def test_all_reasons_are_one_family() -> None:
    with pytest.raises(ReadingRefused) as caught:
        check_next(SECOND, FOURTH, METER, LATER_MS)
    assert caught.value.code == "SkippedSequence"
    assert (caught.value.meter, caught.value.sequence) == (SIGNER.did, 3)
