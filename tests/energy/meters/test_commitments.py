"""A day's root says nothing; one reading can be shown alone; without its salt, nobody can."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.errors import BadDocument, DoesNotOpen
from energy.meters.commitments import (
    DayRoot,
    Disclosure,
    check_disclosure,
    close_day,
    decode_day,
    decode_disclosure,
    disclose,
)
from energy.meters.reading import Reading
from tests.energy.meters.chains import (
    MINUTE_MS,
    START_MS,
    chain,
    salts_of,
    sample_at,
    signer_of,
)

SIGNER = signer_of(1)
DAY_MS = 86_400_000
READINGS = chain(SIGNER, (sample_at(minute, minute * 2, minute) for minute in range(11)))
TODAY = READINGS[3:]
COMMITMENTS = [reading.registers_hash for reading in TODAY]
SPAN = TODAY[0].end_ms, TODAY[0].end_ms + DAY_MS
DAY = close_day(SIGNER, *SPAN, TODAY[0].sequence, COMMITMENTS)


def shown(sequence: int, *, with_raw: bool = False) -> Disclosure:
    salts, minute = salts_of(sequence), sequence
    raw = (sample_at(minute, minute * 2, minute).raw, salts.raw) if with_raw else (b"", b"")
    return disclose(READINGS[sequence], salts.registers, DAY, COMMITMENTS, *raw)


@pytest.mark.parametrize("with_raw", [False, True])
def test_each_reading_of_the_day_can_be_shown_alone(with_raw: bool) -> None:
    for reading in TODAY:
        disclosed = decode_disclosure(shown(reading.sequence, with_raw=with_raw).encoded)
        check_disclosure(disclosed, decode_day(DAY.encoded))
        assert disclosed.reading == reading
        assert disclosed.raw == (sample_at(*_registers(reading)).raw if with_raw else b"")


def _registers(reading: Reading) -> tuple[int, int, int]:
    minute = (reading.end_ms - START_MS) // MINUTE_MS
    return minute, reading.import_wh, reading.export_wh


def test_nothing_of_the_others_goes_along() -> None:
    disclosed = shown(5).encoded
    for other in TODAY:
        if other.sequence != 5:
            assert other.encoded not in disclosed
            assert salts_of(other.sequence).registers not in disclosed
            assert salts_of(other.sequence).raw not in disclosed


def _resigned(reading: Reading) -> Reading:
    return replace(reading, signature=SIGNER.sign(reading.unsigned))


GOOD = shown(5, with_raw=True)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (replace(GOOD, salt=salts_of(6).registers), "salt"),
        (replace(GOOD, raw=b"other"), "raw bytes"),
        (replace(GOOD, path=GOOD.path[:-1]), "path"),
        (replace(GOOD, reading=replace(GOOD.reading, import_wh=11)), "signature"),
        (replace(GOOD, reading=_resigned(replace(GOOD.reading, import_wh=11))), "salt"),
        (replace(GOOD, reading=_resigned(replace(GOOD.reading, sequence=6))), "salt"),
        (replace(GOOD, reading=_resigned(replace(GOOD.reading, end_ms=SPAN[1]))), "another day"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_does_not_follow_is_refused(wrong: Disclosure, named: str) -> None:
    """Even the meter itself cannot show another value for a reading whose day has left."""
    check_disclosure(GOOD, DAY)
    with pytest.raises(DoesNotOpen, match=named):
        check_disclosure(wrong, DAY)


def test_only_the_root_that_was_given_out_counts() -> None:
    other = close_day(SIGNER, *SPAN, TODAY[0].sequence, COMMITMENTS[::-1])
    with pytest.raises(DoesNotOpen, match="another day's root"):
        check_disclosure(GOOD, other)
    unsigned = replace(DAY, root=other.root)
    with pytest.raises(DoesNotOpen, match="signature"):
        check_disclosure(replace(GOOD, day=unsigned), unsigned)
    moved = close_day(SIGNER, *SPAN, TODAY[0].sequence - 1, COMMITMENTS)
    with pytest.raises(DoesNotOpen, match="path"):
        check_disclosure(replace(GOOD, day=moved), moved)


@pytest.mark.parametrize("sequence", [2, 11])
def test_a_reading_of_another_day_is_not_shown(sequence: int) -> None:
    reading = replace(READINGS[2], sequence=sequence)
    with pytest.raises(DoesNotOpen):
        disclose(reading, salts_of(2).registers, DAY, COMMITMENTS)


def test_documents_have_their_types() -> None:
    assert decode_day(DAY.encoded) == DAY
    for wrong in (GOOD.encoded, b"", TODAY[0].encoded):
        with pytest.raises(BadDocument):
            decode_day(wrong)
    with pytest.raises(BadDocument):
        decode_disclosure(DAY.encoded)
    with pytest.raises(BadDocument, match="32 bytes"):
        decode_disclosure(replace(GOOD, path=(b"x",)).encoded)


def test_a_root_is_under_the_meters_signature() -> None:
    others = {"start_ms": 1, "end_ms": 1 << 40, "first": 1, "count": 1, "root": bytes(32)}
    assert DAY.is_signed()
    for name, value in others.items():
        assert name in DayRoot.__slots__
        assert not replace(DAY, **{name: value}).is_signed()  # type: ignore[arg-type]
