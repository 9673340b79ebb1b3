"""From a real source to the chain of signed records: taken, refused by name, and swapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from energy.community.members import MeterKey
from energy.errors import ClockNotSynchronised, ImplausibleReading
from energy.meters.adapters.by_name import open_source
from energy.meters.meter import Meter
from energy.meters.reading import Reading, commit_to_raw
from energy.meters.recording import Recorder
from energy.meters.registers import between
from energy.meters.sample import SWAP, WRAP
from energy.meters.signing import MeterSigner
from energy.meters.store import MeterStore
from tests.energy.meters.adapters.gathering import SAMPLES, all_of
from tests.energy.meters.adapters.published import ISKRA, published_key, with_other_lines

SIGNER = MeterSigner(bytes(range(32)))
METER = Meter(SIGNER.did, (MeterKey(SIGNER.did, SIGNER.key_id, 0),), 20_000, 20_000)
NOW_MS = 1_800_000_000_000


async def _record(
    store: MeterStore, folder: Path, settings: Mapping[str, object], meter: Meter = METER
) -> tuple[Reading, ...]:
    samples = await all_of(open_source(settings, folder))
    return Recorder(store, SIGNER, meter).take(samples, NOW_MS)


def _telegram(time: bytes, import_kwh: bytes) -> bytes:
    return with_other_lines(
        (b"170102192002W", time), (b"1.8.1(000004.426*kWh)", b"1.8.1(" + import_kwh + b"*kWh)")
    )


async def test_a_telegrams_bytes_stay_under_its_records_commitment(tmp_path: Path) -> None:
    (tmp_path / "line").write_bytes(ISKRA + _telegram(b"170102193500W", b"000005.000"))
    with MeterStore(tmp_path, SIGNER.did) as store:
        readings = await _record(store, tmp_path, {"adapter": "dsmr", "place": "line"})
        assert between(readings, METER.register_wh).import_wh == 574
        kept = store.kept(0)
        assert kept.salts is not None
        assert kept.raw == ISKRA
        assert kept.reading.raw_hash == commit_to_raw(kept.salts.raw, ISKRA)


async def test_a_meter_whose_clock_is_only_informative_is_not_paid_by(tmp_path: Path) -> None:
    """It is a real one's signed record, and all the same nobody can tell when it was."""
    key = published_key("lem_dcbm.xml")
    settings = {"adapter": "ocmf", "path": "lem_dcbm.xml", "public_key": key}
    with MeterStore(tmp_path, SIGNER.did) as store:
        with pytest.raises(ClockNotSynchronised, match="'relative'"):
            await _record(store, SAMPLES, settings)
        assert store.count() == 0


async def test_another_device_is_a_swap_once_the_settings_say_so(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(ISKRA)
    first, second = (b"170103120000W", b"000000.001"), (b"170103121500W", b"000000.501")
    (tmp_path / "new").write_bytes(_telegram(*first) + _telegram(*second))
    settings = {"adapter": "dsmr", "place": "old"}
    with MeterStore(tmp_path, SIGNER.did) as store:
        before = await _record(store, tmp_path, settings)
        after = await _record(store, tmp_path, {**settings, "place": "new", "register_epoch": 1})
    assert [one.context for one in after] == [SWAP, ""]
    flowed = between([*before, *after], METER.register_wh)
    assert (flowed.import_wh, flowed.is_whole) == (500, False)


async def test_a_wrap_that_a_row_names_stays_a_wrap(tmp_path: Path) -> None:
    """The rest of the way, through the market to the bill: tests/energy/market/test_registers.py"""
    (tmp_path / "readings.csv").write_text(
        "time,meter,import_wh,export_wh,context,register_epoch\n"
        "2026-06-01T00:00:00Z,1,99999600,7,,0\n"
        "2026-06-01T00:15:00Z,1,300,9,wrap,1\n"
        "2026-06-01T00:30:00Z,1,900,9,,1\n"
    )
    settings = {"adapter": "csv", "path": "readings.csv", "meter": "1"}
    five_digits = replace(METER, register_wh=10**8)
    with MeterStore(tmp_path, SIGNER.did) as store:
        readings = await _record(store, tmp_path, settings, five_digits)
    assert [(one.context, one.register_epoch) for one in readings] == [("", 0), (WRAP, 1), ("", 1)]
    flowed = between(readings, five_digits.register_wh)
    assert (flowed.import_wh, flowed.export_wh, flowed.is_whole) == (1_300, 2, True)
    with MeterStore(tmp_path / "other", SIGNER.did) as store, pytest.raises(ImplausibleReading):
        await _record(store, tmp_path, settings)
