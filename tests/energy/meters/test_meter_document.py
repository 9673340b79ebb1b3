from __future__ import annotations

from dataclasses import replace

from energy.meters.commitments import DayRoot, close_day
from energy.meters.corrections import Correction, correct
from energy.meters.meter_document import MeterDocument
from energy.meters.reading import Reading
from energy.meters.sample import Clock, Quality, Sample
from energy.meters.signing import MeterSigner, Salts

SIGNER = MeterSigner(bytes(range(32)))
SALTS = Salts(bytes(32), bytes(32))


def test_each_kind_is_signed_under_a_tag_of_its_own() -> None:
    """A published signature would be worth nothing under another tag: they never change."""
    reading = SIGNER.record(None, Sample(1_000, Clock.SYNCHRONISED, 5, 7), SALTS)
    correction = correct(
        SIGNER, reading, (5, 8), number=1, made_ms=2_000, quality=Quality.MEASURED, reason="misread"
    )
    day = close_day(SIGNER, 0, 86_400_000, 0, [reading.registers_hash])
    kinds: dict[MeterDocument, bytes] = {
        reading: b"wattlane-reading-v1\x00",
        correction: b"wattlane-correction-v1\x00",
        day: b"wattlane-readings-of-day-v1\x00",
    }
    for one, tag in kinds.items():
        assert one.is_signed()
        assert one.unsigned.startswith(tag)
        assert SIGNER.sign(one.unsigned[len(tag) :]) != one.signature
    assert not replace(day, count=2).is_signed()
    assert {Reading.tag, Correction.tag, DayRoot.tag} == set(kinds.values())
