"""CSV rows become samples, each with its own bytes, or an error that names the line."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from energy.errors import BadSource, BadSourceRecord
from energy.meters.adapters.csv_file import CsvSource
from energy.meters.sample import Clock, Quality, Sample
from tests.energy.meters.adapters.gathering import SAMPLES, Refusals, all_of

MEASURED = Path(__file__).parents[4] / "wattlane" / "data" / "fontana17_hourly.csv"
HEADER = "time,meter,import_wh,export_wh"
ROWS = f"""{HEADER}
2017-06-17T09:00:00Z,h02,1000,20
2017-06-17T09:00:00Z,h04,7,7
2017-06-17T02:15:00-07:00,h02,1100,20
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "street.csv"
    path.write_bytes(text.encode())
    return path


async def test_the_rows_of_one_meter_come_with_their_bytes(tmp_path: Path) -> None:
    samples = await all_of(CsvSource(_file(tmp_path, ROWS), "h02"))
    assert samples == [
        Sample(
            1497690000000, Clock.SYNCHRONISED, 1000, 20, raw=b"2017-06-17T09:00:00Z,h02,1000,20"
        ),
        Sample(
            1497690900000,
            Clock.SYNCHRONISED,
            1100,
            20,
            raw=b"2017-06-17T02:15:00-07:00,h02,1100,20",
        ),
    ]


async def test_two_real_homes_show_what_each_of_their_hours_measured() -> None:
    """The sample's registers against the hours that they are from, read from the data itself."""
    zone = ZoneInfo("Etc/GMT+8")
    start, since = datetime(2017, 6, 17, 6, tzinfo=zone), datetime(2016, 8, 1, tzinfo=zone)
    first = 1 + (start - since) // timedelta(hours=1)
    with MEASURED.open(encoding="utf-8", newline="") as lines:
        hours = list(csv.DictReader(lines))
    for home in ("h02", "h09"):
        nets = [int(row[f"{home}_pv_wh"]) - int(row[f"{home}_load_wh"]) for row in hours]
        samples = await all_of(CsvSource(SAMPLES / "fontana17.csv", home, zone))
        assert len(samples) == 13
        for place, sample in enumerate(samples):
            known = nets[1 : first + place]
            assert sample.time_ms == int(start.timestamp() + 3_600 * place) * 1000
            assert sample.import_wh == sum(-net for net in known if net < 0)
            assert sample.export_wh == sum(net for net in known if net > 0)
        assert samples[-1].export_wh > samples[0].export_wh


async def test_the_other_columns_are_taken(tmp_path: Path) -> None:
    header = f"soc_permille,{HEADER},quality,context,register_epoch,clock"
    row = "505,2017-06-17T09:00:00.250Z,h02,3,4,substituted,swap,2,informative"
    (sample,) = await all_of(CsvSource(_file(tmp_path, f"{header}\r\n{row}\r\n"), "h02"))
    assert sample == Sample(
        1497690000250, Clock.INFORMATIVE, 3, 4, 2, Quality.SUBSTITUTED, "swap", 505, row.encode()
    )


async def test_empty_cells_take_the_defaults(tmp_path: Path) -> None:
    header = f"{HEADER},quality,clock,register_epoch,context,soc_permille"
    row = "2017-06-17T09:00:00Z,h02,3,4,,,,,"
    source = CsvSource(_file(tmp_path, f"{header}\n{row}\n"), "h02", clock=Clock.UNKNOWN)
    (sample,) = await all_of(source)
    assert sample == Sample(1497690000000, Clock.UNKNOWN, 3, 4, raw=row.encode())


async def test_local_times_need_a_zone_and_must_be_there_once(tmp_path: Path) -> None:
    path = _file(tmp_path, f"{HEADER}\n2017-06-17T09:00:00,h02,1,1\n2017-10-29T02:30:00,h02,1,1\n")
    with pytest.raises(BadSourceRecord, match=r"line 2: .*no offset from UTC; set `zone`"):
        await all_of(CsvSource(path, "h02"))
    refused = Refusals()
    source = CsvSource(path, "h02", ZoneInfo("Europe/Berlin"), refused=refused)
    assert [sample.time_ms for sample in await all_of(source)] == [1497682800000]
    assert [str(error) for error in refused] == [
        "CSV, line 3: clocks show 2017-10-29 02:30:00 twice or never that day; write the offset"
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2017-06-17T09:00:00Z,h02,1.5,0", "import_wh '1.5' is no plain whole number"),
        ("2017-06-17T09:00:00Z,h02,1,-2", "export_wh '-2' is no plain whole number"),
        ("2017-06-17T09:00:00Z,h02,1", "3 cells where the header has 4"),
        ("yesterday,h02,1,2", "Invalid isoformat string"),
        ("2017-06-17T09:00:00.0001Z,h02,1,2", "no whole millisecond"),
        ('2017-06-17T09:00:00Z,"h02,1,2', "this is no CSV in UTF-8"),
    ],
)
async def test_a_bad_row_is_named_and_the_others_are_read(
    tmp_path: Path, row: str, reason: str
) -> None:
    refused = Refusals()
    path = _file(tmp_path, f"{HEADER}\n{row}\n2017-06-17T09:15:00Z,h02,5,6\n")
    (sample,) = await all_of(CsvSource(path, "h02", refused=refused))
    assert (sample.import_wh, sample.export_wh) == (5, 6)
    (error,) = refused
    assert isinstance(error, BadSourceRecord)
    assert error.place == "line 2"
    assert reason in error.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no column time"),
        ("time,meter,import_wh\n", "has no column export_wh"),
        (f"{HEADER},price\n", "has columns time,meter,import_wh,export_wh,price; known"),
        (f"{HEADER},time\n", "each once"),
        (f"{HEADER}\n2017-06-17T09:00:00Z,h04,1,2\n", "has no row of meter 'h02'"),
    ],
)
async def test_a_file_without_such_a_meter_is_no_source(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(BadSource, match="cannot be opened") as raised:
        await all_of(CsvSource(_file(tmp_path, text), "h02"))
    assert reason in str(raised.value)


async def test_a_file_that_is_not_there_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="No such file"):
        await all_of(CsvSource(tmp_path / "none.csv", "h02"))
