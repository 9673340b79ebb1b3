"""A meter's records as people read them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from energy.intervals import day_span
from energy.meters.reading import Reading
from energy.meters.sample import Clock, Sample
from energy.meters.signing import Salts
from energy.meters.store import Kept, MeterStore
from tests.energy.market.street import METERS
from wattlane.meter_view import day_lines

BERLIN, HOUR_MS = ZoneInfo("Europe/Berlin"), 3_600_000


@pytest.mark.parametrize(
    ("day", "rows"),
    [
        (date(2026, 10, 25), ["01:00+02 1", "02:00+02 2", "02:00+01 3", "03:00+01 4"]),
        (date(2026, 3, 29), ["01:00+01 1", "03:00+02 2", "04:00+02 3"]),
        (date(2026, 6, 1), ["01:00 1", "02:00 2", "03:00 3"]),
    ],
    ids=["25 hours", "23 hours", "24 hours"],
)
def test_an_hour_that_comes_twice_is_named_apart(
    tmp_path: Path, day: date, rows: list[str]
) -> None:
    start_ms, meter = day_span(day, BERLIN).start_ms, METERS[1]
    chain: list[Reading] = []
    shown = 0
    for hour in range(6):
        sample = Sample(start_ms + hour * HOUR_MS, Clock.SYNCHRONISED, shown, 0, raw=b"raw")
        chain.append(
            meter.record(chain[-1] if chain else None, sample, Salts(bytes(32), bytes(32)))
        )
        shown += hour
    with MeterStore(tmp_path, meter.did) as store:
        store.append([Kept(one, b"raw", Salts(bytes(32), bytes(32))) for one in chain])
        lines = list(day_lines(store, day, BERLIN, 10**9))
    assert [" ".join(one.split()[:2]) for one in lines[2 : 2 + len(rows)]] == rows
    assert {len(one) for one in lines} == {len(lines[0])}
    assert lines[-1].split() == ["all", "10", "0"]
