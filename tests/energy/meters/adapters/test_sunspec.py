"""SunSpec over Modbus TCP, against a simulated device: which registers are read, and as what."""

from __future__ import annotations

import asyncio
import json

import pytest

from energy.errors import BadSource, BadSourceRecord, OtherMeter, SourceSilent
from energy.meters.adapters.sunspec import SunSpecPlace, SunSpecSource
from energy.meters.sample import Clock, Sample
from tests.energy.meters.adapters.gathering import SAMPLES, Refusals, first_of
from tests.energy.meters.adapters.simulated_sunspec import (
    COMMON,
    METER,
    Points,
    SimulatedDevice,
    simulated,
)

NOW_MS = 1_700_000_000_000


def _source(
    shown: SimulatedDevice, model: int = 0, *, import_is_export: bool = False
) -> SunSpecSource:
    place = SunSpecPlace("127.0.0.1", shown.port, 1, model, import_is_export)
    clock = Clock.INFORMATIVE
    return SunSpecSource(place, timeout_s=5, now_ms=lambda: NOW_MS, clock=lambda: clock)


async def _read(models: list[Points], model: int = 0, *, import_is_export: bool = False) -> Sample:
    async with simulated(models) as shown:
        source = _source(shown, model, import_is_export=import_is_export)
        return await asyncio.to_thread(source.read)


async def test_a_meter_shows_both_registers_and_its_bytes() -> None:
    sample = await _read([COMMON, METER])
    assert (sample.time_ms, sample.clock) == (NOW_MS, Clock.INFORMATIVE)
    assert (sample.import_wh, sample.export_wh) == (67_891, 2_345)
    assert sample.context == "SunSpec 203"
    assert len(sample.raw) == 2 * (68 + 107)
    assert b"sn-1" in sample.raw
    assert (67_891).to_bytes(4, "big") in sample.raw


async def test_the_published_inverter() -> None:
    models = json.loads((SAMPLES / "device_1547.json").read_text())["models"]
    sample = await _read(models)
    assert (sample.import_wh, sample.export_wh, sample.context) == (0, 150_000, "SunSpec 701")


@pytest.mark.parametrize(
    ("models", "import_wh", "export_wh"),
    [
        ([{**METER, "TotWh_SF": 2}], 6_789_100, 234_500),
        ([{**METER, "TotWh_SF": -1}], 6_789, 234),
        ([{"ID": 213, "TotWhExp": 2_345.75, "TotWhImp": 16_777_216.0}], 16_777_216, 2_345),
        ([{"ID": 103, "WH": 5_000, "WH_SF": 1, "St": 4}], 0, 50_000),
        ([{"ID": 103, "WH": 5_000, "WH_SF": 1, "St": 4}, METER], 67_891, 2_345),
        ([{**METER, "TotWhExp": 0, "TotWhImp": 4_294_967_295}], 4_294_967_295, 0),
    ],
    ids=["scaled up", "scaled down", "float32", "inverter", "meter first", "never gave"],
)
async def test_models_and_scale_factors(
    models: list[Points], import_wh: int, export_wh: int
) -> None:
    sample = await _read([COMMON, *models])
    assert (sample.import_wh, sample.export_wh) == (import_wh, export_wh)


async def test_a_named_model_and_a_meter_the_other_way_round() -> None:
    models: list[Points] = [COMMON, {"ID": 103, "WH": 7, "WH_SF": 0, "St": 4}, METER]
    sample = await _read(models, 103, import_is_export=True)
    assert (sample.import_wh, sample.export_wh) == (7, 0)


@pytest.mark.parametrize(
    "battery",
    [
        {"ID": 713, "SoC": 505, "Pct_SF": -1},
        {"ID": 124, "ChaState": 5_050, "ChaState_SF": -2},
    ],
)
async def test_a_batterys_state_of_charge(battery: Points) -> None:
    assert (await _read([COMMON, METER, battery])).soc_permille == 505


async def test_a_battery_that_does_not_say_is_left_out() -> None:
    sample = await _read([COMMON, METER, {"ID": 713, "Pct_SF": -1}])
    assert sample.soc_permille is None


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        ([{**METER, "TotWh_SF": None}], "scale factor TotWh_SF"),
        ([{"ID": 701, "TotWhInj": 5, "TotWh_SF": 0}], "does not implement TotWhAbs"),
        ([{"ID": 213, "TotWhExp": -1.0, "TotWhImp": 0.0}], "no register"),
    ],
)
async def test_what_a_device_does_not_say_is_not_made_up(models: list[Points], reason: str) -> None:
    with pytest.raises(BadSourceRecord, match=reason):
        await _read([COMMON, *models])


async def test_a_device_without_energy_is_no_source() -> None:
    with pytest.raises(BadSource, match="no model of energy; it has 1, 713"):
        await _read([COMMON, {"ID": 713, "SoC": 5, "Pct_SF": 0}])
    with pytest.raises(BadSource, match="no model 204; it has 1, 203"):
        await _read([COMMON, METER], 204)


async def test_another_device_at_the_same_address_is_named() -> None:
    async with simulated([COMMON, METER]) as shown:
        source = _source(shown)
        await asyncio.to_thread(source.read)
        shown.show([{**COMMON, "SN": "sn-2"}, METER])
        with pytest.raises(OtherMeter, match="from meter 'sn-2', not 'sn-1'"):
            await asyncio.to_thread(source.read)


async def test_models_that_moved_are_looked_up_again() -> None:
    async with simulated([COMMON, METER]) as shown:
        source = _source(shown)
        await asyncio.to_thread(source.read)
        shown.show([COMMON, {"ID": 713, "SoC": 5, "Pct_SF": 0}, {**METER, "TotWhExp": 2_346}])
        with pytest.raises(BadSourceRecord, match="no longer where it was"):
            await asyncio.to_thread(source.read)
        assert (await asyncio.to_thread(source.read)).export_wh == 2_346


async def test_nobody_there_and_nothing_of_sunspec_there() -> None:
    nobody = SimulatedDevice([COMMON])
    nobody.port = 1
    with pytest.raises(SourceSilent, match=r"127\.0\.0\.1:1 unit 1"):
        await asyncio.to_thread(_source(nobody).read)
    async with simulated([COMMON, METER]) as shown:
        shown.registers[0] = 0
        with pytest.raises(SourceSilent, match="not SunSpec register map"):
            await asyncio.to_thread(_source(shown).read)


async def test_a_sample_at_each_step_whatever_fails_between() -> None:
    waited: list[float] = []
    refused = Refusals()
    async with simulated([COMMON, METER]) as shown:

        async def wait(seconds: float) -> None:
            waited.append(seconds)
            bad = len(waited) == 2
            shown.show([COMMON, {**METER, "TotWh_SF": None} if bad else METER])

        source = _source(shown)
        source.every_ms, source.wait, source.refused = 900_000, wait, refused
        source.now_ms = lambda: NOW_MS + 1_000
        samples = await first_of(source, 2)
    assert [sample.import_wh for sample in samples] == [67_891, 67_891]
    assert waited == [99.0] * 3  # NOW_MS is 800 s into a quarter of an hour
    assert [type(error) for error in refused] == [BadSourceRecord]
