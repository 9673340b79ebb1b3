"""Samples: only registers that a meter can show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from energy.errors import BadSample
from energy.meters.sample import MOST_CONTEXT, MOST_RAW_BYTES, Clock, Sample

GOOD = Sample(1_000, Clock.SYNCHRONISED, 5, 7)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"time_ms": -1}, "time_ms"),
        ({"import_wh": -1}, "import_wh"),
        ({"export_wh": 1 << 63}, "export_wh"),
        ({"register_epoch": -1}, "register_epoch"),
        ({"soc_permille": 1001}, "soc_permille"),
        ({"context": "x" * (MOST_CONTEXT + 1)}, "context"),
        ({"raw": bytes(MOST_RAW_BYTES + 1)}, "raw bytes"),
    ],
)
def test_a_sample_that_no_meter_shows_is_refused(change: dict[str, object], named: str) -> None:
    with pytest.raises(BadSample, match=named):
        replace(GOOD, **change)  # type: ignore[arg-type]


def test_edges_are_taken() -> None:
    edges = replace(GOOD, soc_permille=1000, raw=bytes(MOST_RAW_BYTES), import_wh=(1 << 63) - 1)
    assert edges.soc_permille == 1000
