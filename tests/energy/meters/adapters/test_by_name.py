"""Settings become a source of the adapter that they name, or an error that names the setting."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from energy.errors import BadSource, MissingExtra
from energy.meters.adapters.by_name import open_source
from energy.meters.adapters.csv_file import CsvSource
from energy.meters.adapters.extras import library
from energy.meters.adapters.host_clock import host_clock, host_time_ms
from energy.meters.adapters.ocmf import OcmfSource
from energy.meters.adapters.p1 import P1Source
from energy.meters.adapters.sunspec import SunSpecPlace, SunSpecSource
from energy.meters.sample import Clock
from tests.energy.meters.adapters.gathering import SAMPLES, Refusals, all_of


def test_csv(tmp_path: Path) -> None:
    refused = Refusals()
    settings = {
        "adapter": "csv",
        "path": "street.csv",
        "meter": "h02",
        "zone": "Europe/Berlin",
        "clock": "informative",
    }
    assert open_source(settings, tmp_path, refused) == CsvSource(
        tmp_path / "street.csv", "h02", ZoneInfo("Europe/Berlin"), Clock.INFORMATIVE, refused
    )


def test_ocmf(tmp_path: Path) -> None:
    settings = {"adapter": "ocmf", "path": "records", "public_key": "30", "register_epoch": 2}
    source = open_source(settings, tmp_path)
    assert isinstance(source, OcmfSource)
    assert (source.path, source.reader.register_epoch) == (tmp_path / "records", 2)


async def test_dsmr() -> None:
    settings = {"adapter": "dsmr", "place": "iskra_v5.p1", "every_s": 10}
    source = open_source(settings, SAMPLES)
    assert isinstance(source, P1Source)
    assert (source.every_ms, source.reader.now_ms) == (10_000, None)
    assert len(await all_of(source)) == 1
    live = open_source({**settings, "place": "tcp://p1.home:23"}, SAMPLES)
    assert isinstance(live, P1Source)
    assert (live.place, live.reader.now_ms) == ("tcp://p1.home:23", host_time_ms)


def test_sunspec(tmp_path: Path) -> None:
    settings = {"adapter": "sunspec", "host": "inverter", "unit": 2, "import_is_export": True}
    source = open_source({**settings, "model": 203}, tmp_path)
    assert isinstance(source, SunSpecSource)
    assert source.place == SunSpecPlace("inverter", 502, 2, 203, True)
    assert source.every_ms == 60_000


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "`adapter` must be one of csv, ocmf, dsmr, sunspec"),
        ({"adapter": "homematic"}, "the homematic source cannot be opened: `adapter` must be"),
        ({"adapter": "csv", "path": "x"}, "the setting 'meter' is missing"),
        ({"adapter": "csv", "path": "x", "meter": 2}, "meter is 2, it must be of type str"),
        ({"adapter": "csv", "path": "x", "meter": "a", "zone": "Mars"}, "zone 'Mars' is none"),
        ({"adapter": "csv", "path": "x", "meter": "a", "clock": "good"}, "clock 'good' is none of"),
        ({"adapter": "csv", "path": "x", "meter": "a", "metre": "b"}, "it has no setting 'metre'"),
        ({"adapter": "sunspec", "host": "x", "port": True}, "port is True"),
        ({"adapter": "sunspec", "host": "x", "every_s": -1}, "must not be negative"),
        ({"adapter": "sunspec", "host": "x", "every_s": 0}, "must be at least 1"),
    ],
)
def test_settings_that_do_not_fit(settings: dict[str, object], reason: str, tmp_path: Path) -> None:
    with pytest.raises(BadSource) as raised:
        open_source(settings, tmp_path)
    assert reason in str(raised.value)


def test_an_adapter_without_its_library_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'wattlane\[ocmf\]'"):
        library("nobody_has_this_library", "ocmf")
    with pytest.raises(MissingExtra, match="nobody_has_this_library"):
        library("nobody_has_this_library.inner", "ocmf")


def test_a_library_that_is_there_but_broken_says_so_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_library_of_a_test.py").write_text("import nobody_has_this_library\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nobody_has_this_library"):
        library("broken_library_of_a_test", "ocmf")


def test_the_kernel_says_whether_its_clock_is_kept() -> None:
    assert host_clock() in (Clock.SYNCHRONISED, Clock.INFORMATIVE)
