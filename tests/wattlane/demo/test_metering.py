"""The street's file goes through the meters' own code: signed, checked, kept, in one chain."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from energy.community.members import MeterKey
from energy.meters.meter import Meter
from energy.meters.signing import MeterSigner
from energy.meters.store import FILE_NAME, MeterStore
from tests.wattlane.demo.market_days import hours_of
from wattlane.demo.metering import (
    HomeMeter,
    is_one_chain,
    make_meter_key,
    write_settings,
    write_street,
)
from wattlane.meter_check import check_store, meter_in_folder
from wattlane.meter_settings import load_meter_file
from wattlane.readings_file import read_street

LINE = hours_of([2, 17], (10, 11))
LAST_MS = LINE.times_ms[-1]


def _meter(signer: MeterSigner) -> Meter:
    key = MeterKey(signer.did, signer.key_id, LINE.times_ms[0])
    return Meter(signer.did, (key,), 20_000, 20_000)


@pytest.fixture
def street(tmp_path: Path) -> Path:
    path = tmp_path / "street.csv"
    write_street(LINE, path)
    return path


def test_the_file_is_one_that_a_demo_takes(street: Path) -> None:
    found = {meter.name: meter.readings for meter in read_street(street)}
    assert set(found) == {"h02", "h17"}
    for home, stands in LINE.stands.items():
        shown = [
            (int(one.time.timestamp()) * 1000, one.import_wh, one.export_wh) for one in found[home]
        ]
        assert shown == [(one.time_ms, one.import_wh, one.export_wh) for one in stands]


async def test_each_row_becomes_a_record_on_disk(street: Path, tmp_path: Path) -> None:
    signer = make_meter_key(tmp_path / "h17")
    meter = HomeMeter(tmp_path / "h17", street, "h17", _meter(signer))
    readings = [await meter.read() for _ in LINE.times_ms]
    with pytest.raises(StopAsyncIteration):
        await meter.read()
    await meter.close()
    assert [one.end_ms for one in readings] == list(LINE.times_ms)
    assert [one.import_wh for one in readings] == [one.import_wh for one in LINE.stands["h17"]]
    assert is_one_chain(tmp_path / "h17", _meter(signer), LAST_MS)


async def test_what_is_kept_can_be_verified_by_its_own_settings(
    street: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "homes" / 'a "roof"'
    signer = make_meter_key(folder)
    write_settings(folder, street, 'h17"', "Europe/Berlin", _meter(signer))
    meter = HomeMeter(folder, street, "h17", _meter(signer))
    await meter.read()
    await meter.close()
    settings = load_meter_file(folder)
    assert (settings.zone, settings.import_w, settings.export_w) == (
        "Europe/Berlin",
        20_000,
        20_000,
    )
    assert settings.source["meter"] == 'h17"'
    assert settings.source["path"] == "../../street.csv"
    store = MeterStore.for_reading(folder)
    judged_by = meter_in_folder(folder, store.did, settings)
    found = check_store(store, judged_by, LAST_MS, lambda _what, _done, _of: None)
    store.close()
    assert found.readings == 1


async def test_a_record_that_is_missing_breaks_the_chain(street: Path, tmp_path: Path) -> None:
    signer = make_meter_key(tmp_path)
    meter = HomeMeter(tmp_path, street, "h17", _meter(signer))
    for _ in range(4):
        await meter.read()
    await meter.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("DELETE FROM readings WHERE sequence = 2")
    assert not is_one_chain(tmp_path, _meter(signer), LAST_MS)


def test_a_store_without_records_is_no_chain(tmp_path: Path) -> None:
    signer = make_meter_key(tmp_path)
    MeterStore(tmp_path, signer.did).close()
    assert not is_one_chain(tmp_path, _meter(signer), LAST_MS)
