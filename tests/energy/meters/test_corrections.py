"""Corrections: signed later, numbered, and the reading they correct is never touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.community.members import MeterKey
from energy.errors import (
    BadDocument,
    ClockNotSynchronised,
    CorrectionOutOfTurn,
    FallingRegister,
    ImplausibleReading,
    OtherMeterReading,
    RevokedKey,
    TamperedReading,
    UnexplainedEpoch,
    WrongKey,
)
from energy.intervals import QUARTER_MS, Interval
from energy.meters.corrections import (
    MOST_CORRECTIONS,
    Correction,
    Corrections,
    check_correction,
    check_effect,
    correct,
    decode_correction,
)
from energy.meters.metering import metered
from energy.meters.reading import Reading
from energy.meters.sample import SWAP, Quality
from tests.energy.meters.chains import (
    LATER_MS,
    START_MS,
    chain,
    meter_of,
    salts_of,
    sample_at,
    signer_of,
)

SIGNER = signer_of(1)
METER = meter_of(SIGNER)
READINGS = chain(SIGNER, (sample_at(15 * quarter, 100 * quarter) for quarter in range(4)))
MADE_MS = LATER_MS - 1


def corrected(
    reading: Reading, import_wh: int, number: int = 1, quality: Quality = Quality.MEASURED
) -> Correction:
    registers = import_wh, reading.export_wh
    return correct(
        SIGNER,
        reading,
        registers,
        number=number,
        made_ms=MADE_MS,
        quality=quality,
        reason="read off again",
    )


GOOD = corrected(READINGS[1], 130)


def quarter(number: int) -> Interval:
    start = START_MS + number * QUARTER_MS
    return Interval(start, start + QUARTER_MS)


def test_a_correction_has_one_byte_string_and_is_under_its_signature() -> None:
    assert decode_correction(GOOD.encoded) == GOOD
    assert GOOD.is_signed()
    others = {
        "key_id": signer_of(2).key_id,
        "number": 2,
        "made_ms": 1,
        "import_wh": 1,
        "export_wh": 1,
        "quality": Quality.SUBSTITUTED,
        "reason": "x",
        "reading": READINGS[2],
        "signature": bytes(64),
    }
    assert set(others) == set(Correction.__slots__)
    for name, value in others.items():
        assert not replace(GOOD, **{name: value}).is_signed()  # type: ignore[arg-type]
    with pytest.raises(BadDocument):
        decode_correction(READINGS[1].encoded)
    with pytest.raises(BadDocument):
        decode_correction(replace(GOOD, number=0).encoded)


def test_a_good_correction_passes() -> None:
    check_correction(GOOD, 0, METER, LATER_MS)
    check_correction(corrected(READINGS[1], 120, number=2), 1, METER, LATER_MS)


def test_a_reading_is_corrected_a_bounded_number_of_times() -> None:
    """Each makes a settlement of the whole street: nobody fills everybody's disk."""
    last = MOST_CORRECTIONS
    check_correction(corrected(READINGS[1], 120, number=last), last - 1, METER, LATER_MS)
    with pytest.raises(CorrectionOutOfTurn, match="corrected 50 times"):
        check_correction(corrected(READINGS[1], 120, number=last + 1), last, METER, LATER_MS)


def test_who_may_not_correct_is_refused() -> None:
    with pytest.raises(TamperedReading, match="correction"):
        check_correction(replace(GOOD, import_wh=1), 0, METER, LATER_MS)
    forged = replace(GOOD, reading=replace(READINGS[1], import_wh=99))
    signed = replace(forged, signature=SIGNER.sign(forged.unsigned))
    with pytest.raises(TamperedReading, match="record"):
        check_correction(signed, 0, METER, LATER_MS)
    with pytest.raises(OtherMeterReading):
        check_correction(GOOD, 0, meter_of(signer_of(2)), LATER_MS)
    other = signer_of(2, SIGNER.did)
    by_other = correct(
        other,
        READINGS[1],
        (130, 0),
        number=1,
        made_ms=MADE_MS,
        quality=Quality.MEASURED,
        reason="",
    )
    with pytest.raises(WrongKey):
        check_correction(by_other, 0, METER, LATER_MS)
    key = MeterKey(SIGNER.did, other.key_id, MADE_MS)
    check_correction(by_other, 0, meter_of(SIGNER, key), LATER_MS)
    revoked = replace(METER.keys[0], revoked_ms=MADE_MS)
    with pytest.raises(RevokedKey):
        check_correction(GOOD, 0, replace(METER, keys=(revoked,)), LATER_MS)


def test_a_correction_out_of_turn_or_time_is_refused() -> None:
    for last in (1, 2):
        with pytest.raises(CorrectionOutOfTurn, match=f"the next one is {last + 1}"):
            check_correction(GOOD, last, METER, LATER_MS)
    early = replace(GOOD, made_ms=READINGS[1].end_ms - 1)
    signed = replace(early, signature=SIGNER.sign(early.unsigned))
    for one, now_ms in ((GOOD, MADE_MS - 10_000), (signed, LATER_MS)):
        with pytest.raises(ClockNotSynchronised):
            check_correction(one, 0, METER, now_ms)


def test_the_first_record_of_an_epoch_is_not_corrected() -> None:
    opening = replace(sample_at(15, 7), register_epoch=1, context=SWAP)
    reading = SIGNER.record(READINGS[1], opening, salts_of(2))
    with pytest.raises(UnexplainedEpoch, match="not corrected"):
        check_correction(corrected(reading, 9), 0, METER, LATER_MS)


def test_both_intervals_that_meet_in_the_reading_change_by_as_much() -> None:
    known = Corrections()
    intervals = [metered(4, quarter(number), READINGS) for number in range(3)]
    assert [known.applied(one) for one in intervals] == intervals
    known.take(GOOD)
    first, second, third = map(known.applied, intervals)
    assert first is not None
    assert second is not None
    assert (first.import_wh, second.import_wh) == (130, 70)
    assert first.last == second.first == GOOD.digest
    assert (first.first, second.last) == (READINGS[0].digest, READINGS[2].digest)
    assert third == intervals[2]
    assert first.is_measured


def test_the_newest_correction_counts_whichever_was_settled_by() -> None:
    known = Corrections()
    plain = metered(4, quarter(0), READINGS)
    known.take(GOOD)
    once = known.applied(plain)
    assert once is not None
    again = corrected(READINGS[1], 90, number=2, quality=Quality.SUBSTITUTED)
    known.take(again)
    assert known.last_number(READINGS[1]) == 2
    assert known.applied(once) == known.applied(plain)
    twice = known.applied(plain)
    assert twice is not None
    assert (twice.import_wh, twice.last, twice.is_measured) == (90, again.digest, False)
    assert known.applied(twice) == twice


def test_ends_that_contradict_each_other_are_no_verified_reading() -> None:
    known = Corrections()
    known.take(corrected(READINGS[1], 201))
    assert known.applied(metered(4, quarter(1), READINGS)) is None


def test_what_a_settled_interval_cannot_be_is_refused() -> None:
    """20 kW for 16 minutes, as its first reading may be one old, are 5,333 Wh, and a register may
    show one more."""
    known = Corrections()
    first, second = (metered(4, quarter(number), READINGS) for number in range(2))
    for import_wh in (0, 200):
        for interval in (first, second):
            check_effect(interval, corrected(READINGS[1], import_wh), known, METER)
    with pytest.raises(FallingRegister, match="from 201 to 200"):
        check_effect(second, corrected(READINGS[1], 201), known, METER)
    late = metered(4, quarter(2), READINGS)
    check_effect(late, corrected(READINGS[3], 5_534), known, METER)
    with pytest.raises(ImplausibleReading, match=r"rose by 5335 Wh.* at most 5334"):
        check_effect(late, corrected(READINGS[3], 5_535), known, METER)
    known.take(corrected(READINGS[3], 5_534))
    moved = known.applied(late)
    assert moved is not None
    check_effect(moved, corrected(READINGS[3], 210, number=2), known, METER)
    with pytest.raises(FallingRegister, match="from 200 to 199"):
        check_effect(moved, corrected(READINGS[3], 199, number=2), known, METER)
