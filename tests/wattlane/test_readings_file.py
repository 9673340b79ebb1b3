"""A readings file is taken whole or refused with the line of its defect."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from wattlane.errors import BadChoice, BadReadings
from wattlane.readings import DEFAULT_DAY, built_in_street
from wattlane.readings_file import read_street

GOOD = """\
time,meter,import_wh,export_wh
2026-03-01T06:00:00,a,0,10
2026-03-01T06:00:00,b,5,0
2026-03-01T06:05:00,a,0,20
2026-03-01T06:05:00,b,9,0
2026-03-01T06:10:00,a,0,30
2026-03-01T06:10:00,b,9,0
"""


def _write(folder: Path, text: str | bytes) -> Path:
    path = folder / "readings.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_sound_file_gives_its_meters_in_order(tmp_path: Path) -> None:
    street = read_street(_write(tmp_path, GOOD))
    assert [meter.name for meter in street] == ["a", "b"]
    assert [reading.export_wh for reading in street[0].readings] == [10, 20, 30]
    assert street[1].readings[1].time - street[1].readings[0].time == timedelta(minutes=5)


def test_rows_may_be_grouped_by_meter_and_have_a_bom_and_crlf(tmp_path: Path) -> None:
    header, *rows = GOOD.splitlines()
    text = "\r\n".join([header, *sorted(rows, key=lambda row: row.split(",")[1])])
    grouped = read_street(_write(tmp_path, b"\xef\xbb\xbf" + text.encode()))
    assert grouped == read_street(_write(tmp_path, GOOD))


def test_numbered_meters_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    text = GOOD.replace(",a,", ",10,").replace(",b,", ",9,")
    assert [meter.name for meter in read_street(_write(tmp_path, text))] == ["9", "10"]


def test_offsets_are_compared_as_instants(tmp_path: Path) -> None:
    text = GOOD.replace(":00,a", ":00-07:00,a")
    text = (
        text.replace("T06:", "T13:").replace(":00,b", ":00Z,b").replace("T13:00:00-", "T06:00:00-")
    )
    text = text.replace("T13:05:00-", "T06:05:00-").replace("T13:10:00-", "T06:10:00-")
    street = read_street(_write(tmp_path, text))
    assert street[0].readings[0].time == street[1].readings[0].time


def test_the_built_in_street_written_out_is_read_back_equal(tmp_path: Path) -> None:
    street = built_in_street([2, 9], DEFAULT_DAY)
    lines = ["time,meter,import_wh,export_wh"] + [
        f"{reading.time.isoformat()},{meter.name},{reading.import_wh},{reading.export_wh}"
        for meter in street
        for reading in meter.readings
    ]
    assert read_street(_write(tmp_path, "\n".join(lines) + "\n")) == street


def _line(number: int, text: str) -> str:
    lines = GOOD.splitlines()
    lines[number - 1] = text
    return "\n".join(lines) + "\n"


DEFECTS: dict[str, tuple[str | bytes, int, str]] = {
    "falling import": (_line(7, "2026-03-01T06:10:00,b,8,0"), 7, "import_wh of meter b falls"),
    "falling export": (_line(4, "2026-03-01T06:05:00,a,0,9"), 4, "export_wh of meter a falls"),
    "gap": (_line(6, "2026-03-01T06:15:00,a,0,30"), 6, "gap: meter a has no reading at .*06:10"),
    "out of step": (_line(6, "2026-03-01T06:07:00,a,0,30"), 6, "out of step"),
    "begins late": ("".join(GOOD.splitlines(True)[:2] + GOOD.splitlines(True)[3:]), 4, "begins at"),
    "ends early": ("".join(GOOD.splitlines(True)[:-1]), 5, "gap: meter b ends at .*06:05"),
    "duplicate": (GOOD + "2026-03-01T06:05:00,a,0,20\n", 8, "duplicate reading"),
    "repeated row": (_line(6, "2026-03-01T06:05:00,a,0,20"), 6, "duplicate reading"),
    "back in time": (_line(6, "2026-03-01T06:04:00,a,0,30"), 6, "goes back in time"),
    "float": (_line(5, "2026-03-01T06:05:00,b,9.0,0"), 5, "not a plain integer"),
    "exponent": (_line(5, "2026-03-01T06:05:00,b,9e0,0"), 5, "not a plain integer"),
    "negative": (_line(5, "2026-03-01T06:05:00,b,-9,0"), 5, "not a plain integer"),
    "sign": (_line(5, "2026-03-01T06:05:00,b,+9,0"), 5, "not a plain integer"),
    "separator": (_line(5, "2026-03-01T06:05:00,b,9_000,0"), 5, "not a plain integer"),
    "other digits": (_line(5, "2026-03-01T06:05:00,b,٩,0"), 5, "not a plain integer"),
    "leading zero": (_line(5, "2026-03-01T06:05:00,b,09,0"), 5, "not a plain integer"),
    "no register": (_line(5, "2026-03-01T06:05:00,b,,0"), 5, "not a plain integer"),
    "nan": (_line(5, "2026-03-01T06:05:00,b,nan,0"), 5, "not a plain integer"),
    "too large": (_line(5, f"2026-03-01T06:05:00,b,{1 << 40},0"), 5, "2\\^40 Wh or more"),
    "ten thousand digits": (_line(5, f"2026-03-01T06:05:00,b,{'9' * 10**4},0"), 5, "2\\^40"),
    "bad time": (_line(3, "yesterday,b,5,0"), 3, "not an ISO date and time"),
    "day without time": (_line(3, "2026-03-01,b,5,0"), 3, "not an ISO date and time"),
    "impossible day": (_line(3, "2026-02-30T06:00:00,b,5,0"), 3, "not an ISO date and time"),
    "part of a second": (_line(3, "2026-03-01T06:00:00.5,b,5,0"), 3, "whole second"),
    "mixed offsets": (_line(3, "2026-03-01T06:00:00Z,b,5,0"), 3, "offset"),
    "no meter": (_line(3, "2026-03-01T06:00:00,,5,0"), 3, "meter is missing"),
    "blank in a name": (_line(3, "2026-03-01T06:00:00, b,5,0"), 3, "blanks"),
    "not UTF-8": (GOOD.encode().replace(b",b,9,0", b",\xff,9,0", 1), 5, "printable"),
    "NUL": (GOOD.replace(",b,9,0", ",b\0,9,0", 1), 5, "printable"),
    "one meter": ("\n".join(x for x in GOOD.splitlines() if ",b," not in x), 4, "no street"),
    "unknown column": (_line(1, "time,meter,import_wh,export_wh,price"), 1, "unknown column"),
    "missing column": (_line(1, "time,meter,import_wh"), 1, "'export_wh' is missing"),
    "repeated column": (_line(1, "time,meter,import_wh,export_wh,time"), 1, "repeated"),
    "other order": (_line(1, "meter,time,import_wh,export_wh"), 1, "another order"),
    "no header": ("\n".join(GOOD.splitlines()[1:]), 1, "unknown column"),
    "too many cells": (_line(3, "2026-03-01T06:00:00,b,5,0,1"), 3, "5 cells"),
    "too few cells": (_line(3, "2026-03-01T06:00:00,b,5"), 3, "3 cells"),
    "empty line": (_line(4, ""), 4, "empty"),
    "open quote": (_line(4, '"2026-03-01T06:05:00,a,0,20'), 7, "not CSV"),
    "empty file": ("", 1, "'time' is missing"),
    "header alone": ("time,meter,import_wh,export_wh\n", 1, "no street"),
    "one time": ("".join(GOOD.splitlines(True)[:3]), 3, "two readings"),
}


@pytest.mark.parametrize(("text", "line", "what"), DEFECTS.values(), ids=DEFECTS.keys())
def test_a_defect_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, what: str
) -> None:
    with pytest.raises(BadReadings, match=what) as caught:
        read_street(_write(tmp_path, text))
    assert caught.value.line == line
    assert f"line {line}:" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadChoice, match=r"cannot read .*nowhere"):
        read_street(tmp_path / "nowhere.csv")
