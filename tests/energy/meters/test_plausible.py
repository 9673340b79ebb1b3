"""Doubts: more exported than the sun allows is said, and refuses nothing."""

from __future__ import annotations

from dataclasses import dataclass

from energy.meters.checking import check_next
from energy.meters.plausible import doubt
from tests.energy.meters.chains import LATER_MS, chain, meter_of, sample_at, signer_of

SIGNER = signer_of(1)
METER = meter_of(SIGNER)


@dataclass
class _Light:
    wh: int

    def most_wh(self, start_ms: int, end_ms: int) -> int:
        return self.wh * (end_ms - start_ms) // 60_000


def test_solar_at_night_is_a_warning_and_no_refusal() -> None:
    before, reading = chain(SIGNER, (sample_at(0, 0), sample_at(1, 0, 50)))
    check_next(before, reading, METER, LATER_MS)
    found = doubt(before, reading, METER, _Light(0))
    assert found is not None
    assert (found.export_wh, found.most_wh) == (50, 1)
    assert "50 Wh exported" in str(found)
    assert "the sun allows 1 Wh" in str(found)


def test_what_the_sun_allows_is_no_doubt() -> None:
    before, reading = chain(SIGNER, (sample_at(0, 0), sample_at(1, 0, 50)))
    assert doubt(before, reading, METER, _Light(49)) is None
    assert doubt(before, reading, METER, _Light(48)) is not None
