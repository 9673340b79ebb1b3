"""`wattlane meter`: made, run from a file, verified, shown alone, erased; all by its commands."""

from __future__ import annotations

import shutil
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from channels.errors import WrongPassphrase
from energy.errors import (
    BadMeterKeyFile,
    DayNotOver,
    DoesNotOpen,
    MeterStoreUnusable,
    NoSuchReading,
)
from energy.meters.handing_over import is_handed_over
from energy.meters.sample import Quality
from energy.meters.store import FILE_NAME, MeterStore
from wattlane.cli.meter import app
from wattlane.errors import BadChoice, BadMeterSettings, MeterRecordsBroken

HOURS = 27
FIRST_DAY = "2025-06-15"


def wattlane(*arguments: str | Path, status: int = 0) -> str:
    """What the command prints; what it raises is raised."""
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.output


def rows(hours: int) -> list[str]:
    """Rows from midnight in UTC: 300 Wh taken an hour, 20 given."""
    lines = ["time,meter,import_wh,export_wh"]
    for hour in range(hours):
        day, of_day = divmod(hour, 24)
        time = f"2025-06-{15 + day}T{of_day:02d}:00:00Z"
        lines.append(f"{time},1,{300 * hour},{20 * hour}")
    return lines


@pytest.fixture
def folder(tmp_path: Path, recorded: Path) -> Path:
    """A meter of its own that has recorded 27 hours."""
    return Path(shutil.copytree(recorded, tmp_path / "meter"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A meter that has recorded 27 hours, to be copied."""
    folder = tmp_path_factory.mktemp("recorded") / "meter"
    wattlane("init", "--folder", folder, "--import-w", "5000", "--export-w", "5000")
    (folder / "readings.csv").write_text("\n".join(rows(HOURS)) + "\n")
    assert f"{HOURS} readings kept, 0 refused" in wattlane("run", "--folder", folder)
    return folder


def test_init_names_the_meter_for_the_community(tmp_path: Path) -> None:
    said = wattlane("init", "--folder", tmp_path)
    lines = said[said.index("[[members.meters]]") :]
    (meter,) = tomllib.loads(lines)["members"]["meters"]
    assert meter["did"].endswith(meter["key_id"])
    assert f"meter    {meter['did']}" in said
    assert meter["valid_from"].utcoffset() is not None


def test_a_new_key_keeps_the_name_and_goes_on(folder: Path) -> None:
    (made,) = meters_in(wattlane("init", "--folder", folder, "--new-key"))
    first = made["did"].removeprefix("did:key:")
    assert made["key_id"] != first
    signature = bytes.fromhex(made["handed_over"][2:])
    assert is_handed_over(made["did"], made["key_id"], signature, [first])
    (folder / "readings.csv").write_text("\n".join(rows(HOURS + 2)) + "\n")
    assert "2 readings kept" in wattlane("run", "--folder", folder)
    assert f"{HOURS + 2} records follow" in wattlane("verify", "--folder", folder)


def test_init_prints_the_registers_that_the_market_has_to_know(tmp_path: Path) -> None:
    (made,) = meters_in(wattlane("init", "--folder", tmp_path))
    assert not {"register_wh", "step_wh"} & made.keys()
    settings = tmp_path / "meter.toml"
    text = settings.read_text().replace("# register_wh = 1000000000 ", "register_wh = 100000000")
    settings.write_text(text.replace("# step_wh = 1 ", "step_wh = 100 "))
    (made,) = meters_in(wattlane("init", "--folder", tmp_path, "--new-key"))
    assert (made["register_wh"], made["step_wh"]) == (100_000_000, 100)


def meters_in(said: str) -> list[dict[str, Any]]:
    lines = said[said.index("[[members.meters]]") :]
    meters: list[dict[str, Any]] = tomllib.loads(lines)["members"]["meters"]
    return meters


def test_run_goes_on_after_the_last_record(folder: Path) -> None:
    assert f"0 readings kept, 0 refused, {HOURS} kept before" in wattlane("run", "--folder", folder)
    (folder / "readings.csv").write_text("\n".join(rows(HOURS + 3)) + "\n")
    assert f"3 readings kept, 0 refused, {HOURS} kept" in wattlane("run", "--folder", folder)


def test_run_names_what_it_refuses(folder: Path) -> None:
    more = rows(HOURS + 3)
    more[-2] = more[-2].replace(f",{300 * (HOURS + 1)},", ",1,")
    (folder / "readings.csv").write_text("\n".join(more) + "\n")
    said = wattlane("run", "--folder", folder, status=1)
    assert "import_wh falls from 8100 to 1 Wh" in said
    assert "2 readings kept, 1 refused" in said
    assert "records follow" in wattlane("verify", "--folder", folder)


def test_run_tells_of_solar_power_at_night(folder: Path) -> None:
    """20 Wh an hour; in Berlin the sun rises at 02:43 UTC that day and sets at 19:31."""
    settings = folder / "meter.toml"
    sun = "[sun]\nlatitude = 52.5\nlongitude = 13.4\npeak_w = 8000\n"
    settings.write_text(settings.read_text() + sun)
    (folder / "readings.csv").write_text("\n".join(rows(HOURS + 8)) + "\n")
    said = wattlane("run", "--folder", folder)
    assert "8 readings kept, 0 refused" in said
    assert "worth a look" not in said
    (folder / "readings.csv").write_text("\n".join(rows(HOURS + 23)) + "\n")
    said = wattlane("run", "--folder", folder)
    assert "15 readings kept, 0 refused, 5 worth a look" in said
    assert "20 Wh exported" in said
    assert "the sun allows 1 Wh" in said
    assert f"{HOURS + 23} records follow" in wattlane("verify", "--folder", folder)


def test_verify_names_the_first_record_that_does_not_follow(folder: Path) -> None:
    assert f"{HOURS} records follow from each other, {HOURS} of them openable" in wattlane(
        "verify", "--folder", folder
    )
    with sqlite3.connect(folder / FILE_NAME) as database:
        database.execute("UPDATE readings SET raw = x'78' WHERE sequence = 9")
    with pytest.raises(MeterRecordsBroken, match=r"reading 9 .* raw bytes"):
        wattlane("verify", "--folder", folder)
    with sqlite3.connect(folder / FILE_NAME) as database:
        database.execute("DELETE FROM readings WHERE sequence = 5")
    with pytest.raises(MeterRecordsBroken, match=r"reading 6 .* 5 comes next"):
        wattlane("verify", "--folder", folder)


def test_verify_holds_the_roots_of_days(folder: Path) -> None:
    assert "roots of 1 days hold" in wattlane("verify", "--folder", folder)
    with sqlite3.connect(folder / FILE_NAME) as database:
        database.execute("UPDATE days SET start_ms = 1")
        (document,) = database.execute("SELECT document FROM days").fetchone()
        changed = document.replace(b"count\x18\x18", b"count\x17")
        assert changed != document
        database.execute("UPDATE days SET document = ?", (changed,))
    with pytest.raises(MeterRecordsBroken, match="root of its day"):
        wattlane("verify", "--folder", folder)


def test_one_reading_is_shown_alone_and_checked_elsewhere(folder: Path, tmp_path: Path) -> None:
    root, shown = tmp_path / "root", tmp_path / "shown"
    assert "24 readings, root 0x" in wattlane("day", FIRST_DAY, "--folder", folder, "--out", root)
    wattlane("disclose", "9", "--raw", "--folder", folder, "--out", shown)
    said = wattlane("verify", shown, "--root", root)
    assert "follows: it is in the root of its day" in said
    assert "2700 Wh" in said
    assert "2025-06-15T09:00:00Z,1,2700,180" in said
    for other in range(8, 11, 2):
        assert str(300 * other).encode() not in shown.read_bytes()
    with pytest.raises(BadChoice, match="no day's root"):
        wattlane("verify", shown, "--root", shown)
    wattlane("init", "--folder", tmp_path / "other", "--import-w", "5000", "--export-w", "5000")
    (tmp_path / "other" / "readings.csv").write_text("\n".join(rows(HOURS)) + "\n")
    wattlane("run", "--folder", tmp_path / "other")
    wattlane("day", FIRST_DAY, "--folder", tmp_path / "other", "--out", tmp_path / "its")
    with pytest.raises(DoesNotOpen, match="another day's root"):
        wattlane("verify", shown, "--root", tmp_path / "its")


def test_a_day_that_is_not_over_has_no_root(folder: Path) -> None:
    with pytest.raises(DayNotOver):
        wattlane("day", "2025-06-16", "--folder", folder)


def test_erased_is_erased(folder: Path) -> None:
    said = wattlane("erase", FIRST_DAY, "--folder", folder, "--keep", "9", "--yes")
    assert "salts of 23 readings erased" in said
    with pytest.raises(NoSuchReading, match="erased"):
        wattlane("disclose", "8", "--folder", folder)
    assert "written to" in wattlane("disclose", "9", "--folder", folder)
    assert f"{HOURS} records follow from each other, 4 of" in wattlane("verify", "--folder", folder)


def test_a_correction_is_signed_and_numbered_and_the_record_stays(folder: Path) -> None:
    before = wattlane("show", "--folder", folder, "--reading", "9")
    asked = ("--import-wh", "2690", "--export-wh", "180", "--reason", "misread", "--folder", folder)
    assert "correction 1 of reading 9" in wattlane("correct", "9", *asked)
    out = folder / "for the treasurer"
    for _ in range(2):  # repeated, it is the same one
        said = wattlane("correct", "9", *asked, "--measured", "--out", out)
        assert "correction 2 of reading 9" in said
    of_then = ("--at", "2025-06-18T09:00+02:00", "--out", folder / "of then")
    assert "correction 3 of reading 9" in wattlane("correct", "9", *asked, *of_then)
    with MeterStore.for_reading(folder) as store:
        first, second, third = store.corrections()
    assert third.made_ms == 1_750_230_000_000
    assert first.is_signed()
    assert (first.import_wh, first.quality, first.reason) == (2690, Quality.SUBSTITUTED, "misread")
    assert second.quality is Quality.MEASURED
    assert (folder / "9.correction").read_bytes() == first.encoded
    assert out.read_bytes() == second.encoded
    assert wattlane("show", "--folder", folder, "--reading", "9") == before
    with pytest.raises(NoSuchReading):
        wattlane("correct", "99", *asked)


def test_show_tells_the_hours_and_the_records(folder: Path) -> None:
    assert f"records  {HOURS}, roots of 1 days" in wattlane("show", "--folder", folder)
    said = wattlane("show", "--folder", folder, "--day", FIRST_DAY)
    assert "09:00        300         20" in said
    assert "all         7200        480" in said
    said = wattlane("show", "--folder", folder, "--day", "2025-06-16")
    assert "01:00        300         20" in said
    assert "02:00          -          -" in said
    said = wattlane("show", "--folder", folder, "--reading", "9")
    assert "2025-06-15T09:00:00Z,1,2700,180" in said
    assert "salts         kept" in said


def test_what_is_missing_or_wrong_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadMeterSettings, match="meter init"):
        wattlane("run", "--folder", tmp_path)
    with pytest.raises(BadMeterSettings, match="zone"):
        wattlane("init", "--folder", tmp_path, "--zone", "Mars")
    wattlane("init", "--folder", tmp_path)
    settings = tmp_path / "meter.toml"
    good = settings.read_text()
    for wrong, named in (
        ("zone = 1", "zone"),
        ("colour = 1\n" + good, "colour"),
        ("no toml", "cannot be read"),
        (good.replace("import_w = 17250", "import_w = 0.5"), "import_w"),
    ):
        settings.write_text(wrong)
        with pytest.raises(BadMeterSettings, match=named):
            wattlane("run", "--folder", tmp_path)
    settings.write_text(good[: good.index("[source]")])
    with pytest.raises(BadMeterSettings, match="no \\[source\\]"):
        wattlane("run", "--folder", tmp_path)
    (tmp_path / "meter-key.json").unlink()
    with pytest.raises(BadMeterKeyFile, match="meter init"):
        wattlane("run", "--folder", tmp_path)


def test_a_locked_key_needs_its_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTLANE_PASSPHRASE", "long enough")
    wattlane("init", "--folder", tmp_path, "--passphrase")
    (tmp_path / "readings.csv").write_text("\n".join(rows(2)) + "\n")
    monkeypatch.setenv("WATTLANE_PASSPHRASE", "another one")
    with pytest.raises(WrongPassphrase):
        wattlane("run", "--folder", tmp_path)
    monkeypatch.setenv("WATTLANE_PASSPHRASE", "long enough")
    assert "2 readings kept" in wattlane("run", "--folder", tmp_path)


def test_a_damaged_record_is_said(folder: Path) -> None:
    for change in ("record = x'00'", "raw = 'text'"):
        with sqlite3.connect(folder / FILE_NAME) as database:
            database.execute(f"UPDATE readings SET {change} WHERE sequence = 9")  # noqa: S608
        with pytest.raises(MeterStoreUnusable, match="damaged"):
            wattlane("verify", "--folder", folder)
