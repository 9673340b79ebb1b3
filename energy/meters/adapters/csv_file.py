"""Readings from a CSV file, a row each; the row's bytes go along untouched.

The columns `time,meter,import_wh,export_wh` are those of the demo. Five more may stand with them,
in any order: `clock`, `quality` (their words are those of Clock and Quality), `register_epoch`,
`context` and `soc_permille`. Times are ISO 8601 in whole milliseconds, with an offset from UTC, or
local ones in the zone that the settings name. A file says nothing of the clock it was made by
unless it has the column: whoever opens it vouches for it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from energy.errors import BadSample, BadSource, BadSourceRecord, EnergyError
from energy.meters.adapters.refusing import Refused, stop_at_first
from energy.meters.adapters.registers import unix_ms
from energy.meters.sample import Clock, Quality, Sample

ADAPTER = "CSV"
NEEDED = ("time", "meter", "import_wh", "export_wh")
OPTIONAL = ("clock", "quality", "register_epoch", "context", "soc_permille")
_INTEGER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class CsvSource:
    """The rows of one meter, in the file's order. Raises BadSource if the file has no such rows.

    `zone`: of times without an offset. `clock`: of rows that state none.
    """

    path: Path
    meter: str
    zone: ZoneInfo | None = None
    clock: Clock = Clock.SYNCHRONISED
    refused: Refused = stop_at_first

    async def __aiter__(self) -> AsyncIterator[Sample]:
        """Samples of the meter. Hands BadSourceRecord with the line number to `refused`."""
        columns, rows = self._open()
        found = False
        for number, line in rows:
            try:
                cells = _cells(number, line)
                if len(cells) != len(columns):
                    raise _bad(number, f"{len(cells)} cells where the header has {len(columns)}")
                row = dict(zip(columns, cells, strict=True))
                if row["meter"] != self.meter:
                    continue
                found = True
                sample = self._sample(number, row, line)
            except EnergyError as error:
                self.refused(error)
            else:
                yield sample
        if not found:
            raise BadSource(ADAPTER, f"{self.path} has no row of meter {self.meter!r}")

    def _open(self) -> tuple[list[str], Iterator[tuple[int, bytes]]]:
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError as error:
            raise BadSource(ADAPTER, f"{self.path}: {error.strerror or error}") from error
        columns = _cells(1, lines[0].removeprefix(b"\xef\xbb\xbf")) if lines else []
        missing = [name for name in NEEDED if name not in columns]
        unknown = [name for name in columns if name not in NEEDED + OPTIONAL]
        if missing or unknown or len(set(columns)) != len(columns):
            what = "has no column " + missing[0] if missing else f"has columns {','.join(columns)}"
            known = ",".join(NEEDED + OPTIONAL)
            raise BadSource(ADAPTER, f"{self.path} {what}; known, each once, are {known}")
        return columns, ((number, line) for number, line in enumerate(lines[1:], 2) if line)

    def _sample(self, number: int, row: dict[str, str], line: bytes) -> Sample:
        try:
            soc = row.get("soc_permille", "")
            return Sample(
                time_ms=self._time_ms(row["time"]),
                clock=Clock(row["clock"]) if row.get("clock") else self.clock,
                import_wh=_whole(row["import_wh"], "import_wh"),
                export_wh=_whole(row["export_wh"], "export_wh"),
                register_epoch=_whole(row.get("register_epoch") or "0", "register_epoch"),
                quality=Quality(row["quality"]) if row.get("quality") else Quality.MEASURED,
                context=row.get("context", ""),
                soc_permille=_whole(soc, "soc_permille") if soc else None,
                raw=line,
            )
        except (ValueError, BadSample) as error:
            raise _bad(number, str(error)) from error

    def _time_ms(self, cell: str) -> int:
        moment = datetime.fromisoformat(cell)
        if moment.microsecond % 1000:
            raise ValueError(f"time {cell} is no whole millisecond")
        if moment.utcoffset() is None:
            if self.zone is None:
                raise ValueError(f"time {cell} has no offset from UTC; set `zone`")
            moment = _only_one(moment.replace(tzinfo=self.zone))
        return unix_ms(moment)


def _only_one(moment: datetime) -> datetime:
    """A local time that the zone's clocks show exactly once. Raises ValueError."""
    other = moment.replace(fold=1)
    if moment.utcoffset() != other.utcoffset():
        raise ValueError(
            f"clocks show {moment.replace(tzinfo=None)} twice or never that day; write the offset"
        )
    return moment


def _cells(number: int, line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode("utf-8")], strict=True), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise _bad(number, f"this is no CSV in UTF-8: {error}") from error


def _whole(cell: str, name: str) -> int:
    if not _INTEGER.fullmatch(cell):
        raise ValueError(f"{name} {cell[:40]!r} is no plain whole number")
    return int(cell)


def _bad(number: int, reason: str) -> BadSourceRecord:
    return BadSourceRecord(ADAPTER, f"line {number}", reason)
