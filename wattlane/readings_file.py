"""Meter readings from a CSV file: either all of it is sound, or an error names the line.

Format: the header `time,meter,import_wh,export_wh`, then one row a reading, in any order of meters.

- `time`: ISO 8601 with date and time of day, whole seconds; either every row carries an offset
  (`2017-06-17T09:00:00-07:00`, `...Z`) or none does. Rows of a meter stand in order of time.
- `meter`: 1 to 64 printable characters without surrounding blanks; any number of meters from two.
- `import_wh`, `export_wh`: what the cumulative registers show, plain decimal integers of Wh below
  2^40 (no sign, point, exponent, blank or separator). They never fall.

A **gap**: each meter reads at a step of its own, the time between its first two rows; a later row
that comes more than one step after the one before it has left readings out, and the error names
the line and the time at which a reading was due (less than a step is out of step). All meters
must also begin at one time and end at one time: a meter that begins late or ends early has a gap
there. Steps may differ between meters; energy is matched between the times common to all.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from protocol.units import LANE_WH_BITS
from wattlane.errors import BadChoice, BadReadings
from wattlane.readings import Meter, Reading

HEADER = ["time", "meter", "import_wh", "export_wh"]
MAX_NAME = 64
_INTEGER = re.compile(r"0|[1-9][0-9]*")
_TIME = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ]\d{2}.*")


@dataclass(slots=True)
class _Series:
    """A meter's rows so far. `step`: what its first two rows were apart."""

    readings: list[Reading] = field(default_factory=list)
    first_line: int = 0
    last_line: int = 0
    step: timedelta | None = None


def read_street(path: Path) -> tuple[Meter, ...]:
    """The meters of a file, by rising name (as numbers where all names are decimal numbers).

    Raises BadReadings, naming the line, for any defect, and BadChoice if the file is not readable.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadChoice(f"cannot read {path}: {error.strerror or error}") from error
    parser = _Parser(str(path))
    for line, cells in parser.rows(raw):
        parser.take(line, cells)
    return parser.street()


class _Parser:
    def __init__(self, path: str) -> None:
        self._path = path
        self._series: dict[str, _Series] = {}
        self._with_offset: bool | None = None
        self._last_line = 1

    def _bad(self, line: int, what: str) -> BadReadings:
        return BadReadings(self._path, line, what)

    def rows(self, raw: bytes) -> Iterator[tuple[int, list[str]]]:
        """Rows after the header with their line numbers. Bytes that are not UTF-8 fail as cells."""
        text = raw.decode("utf-8-sig", errors="surrogateescape")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            self._check_header(next(reader, []))
            for cells in reader:
                self._last_line = reader.line_num
                yield reader.line_num, cells
        except csv.Error as error:
            raise self._bad(reader.line_num, f"this is not CSV: {error}") from error

    def _check_header(self, header: list[str]) -> None:
        if header == HEADER:
            return
        expected = ",".join(HEADER)
        unknown = [name for name in header if name not in HEADER]
        missing = [name for name in HEADER if name not in header]
        if unknown:
            raise self._bad(1, f"unknown column {unknown[0][:40]!r}; the header is {expected}")
        if missing:
            raise self._bad(1, f"column {missing[0]!r} is missing; the header is {expected}")
        raise self._bad(1, f"columns are repeated or in another order; the header is {expected}")

    def take(self, line: int, cells: list[str]) -> None:
        """Check one row against the format and against its meter's earlier rows."""
        if not cells:
            raise self._bad(line, "the line is empty")
        if len(cells) != len(HEADER):
            raise self._bad(line, f"{len(cells)} cells where the header has {len(HEADER)}")
        name = self._name(line, cells[1])
        reading = Reading(
            self._time(line, cells[0]),
            self._register(line, "import_wh", cells[2]),
            self._register(line, "export_wh", cells[3]),
        )
        series = self._series.setdefault(name, _Series(first_line=line))
        if series.readings:
            self._follow(line, name, series, reading)
        series.readings.append(reading)
        series.last_line = line

    def _name(self, line: int, cell: str) -> str:
        if not cell:
            raise self._bad(line, "the meter is missing")
        if len(cell) > MAX_NAME or cell != cell.strip() or not cell.isprintable():
            what = f"meter {cell[:MAX_NAME]!r} is not 1 to {MAX_NAME} printable characters"
            raise self._bad(line, f"{what} without surrounding blanks")
        return cell

    def _time(self, line: int, cell: str) -> datetime:
        try:
            if not _TIME.fullmatch(cell):
                raise ValueError
            moment = datetime.fromisoformat(cell)
        except ValueError:
            example = "2017-06-17T09:00:00"
            raise self._bad(
                line, f"time {cell[:40]!r} is not an ISO date and time such as {example}"
            ) from None
        if moment.microsecond:
            raise self._bad(line, f"time {cell} is not a whole second")
        has_offset = moment.utcoffset() is not None
        if self._with_offset is None:
            self._with_offset = has_offset
        if has_offset != self._with_offset:
            other = "carry none" if has_offset else "carry one"
            mine = "an offset" if has_offset else "no offset"
            raise self._bad(line, f"time {cell} has {mine} from UTC, but the rows before {other}")
        return moment

    def _register(self, line: int, column: str, cell: str) -> int:
        if not _INTEGER.fullmatch(cell):
            raise self._bad(line, f"{column} {cell[:40]!r} is not a plain integer of Wh")
        if len(cell) > LANE_WH_BITS or int(cell) >= 1 << LANE_WH_BITS:
            raise self._bad(line, f"{column} {cell[:40]} is 2^{LANE_WH_BITS} Wh or more")
        return int(cell)

    def _follow(self, line: int, name: str, series: _Series, now: Reading) -> None:
        """What must hold between a meter's row and the one before it."""
        before = series.readings[-1]
        if now.time <= before.time:
            if any(now.time == earlier.time for earlier in series.readings):
                what = f"meter {name} has a duplicate reading at {now.time.isoformat()}"
                raise self._bad(line, what)
            what = f"meter {name} goes back in time, from {before.time.isoformat()}"
            raise self._bad(line, f"{what} to {now.time.isoformat()}")
        for column, was, stands in (
            ("import_wh", before.import_wh, now.import_wh),
            ("export_wh", before.export_wh, now.export_wh),
        ):
            if stands < was:
                raise self._bad(line, f"{column} of meter {name} falls from {was} to {stands}")
        elapsed = now.time - before.time
        if series.step is None:
            series.step = elapsed
        elif elapsed > series.step:
            due = (before.time + series.step).isoformat()
            what = f"gap: meter {name} has no reading at {due} (it reads every {series.step})"
            raise self._bad(line, what)
        elif elapsed < series.step:
            what = f"meter {name} is out of step: {elapsed} after its last reading"
            raise self._bad(line, f"{what}, but it reads every {series.step}")

    def street(self) -> tuple[Meter, ...]:
        """What must hold between meters, then the meters."""
        if len(self._series) < 2:
            what = f"{len(self._series)} meters are no street; there must be two or more"
            raise self._bad(self._last_line, what)
        starts = min(series.readings[0].time for series in self._series.values())
        ends = max(series.readings[-1].time for series in self._series.values())
        for name, series in self._series.items():
            first, last = series.readings[0].time, series.readings[-1].time
            if first != starts:
                what = f"gap: meter {name} begins at {first.isoformat()}"
                raise self._bad(series.first_line, f"{what}, others at {starts.isoformat()}")
            if last != ends:
                what = f"gap: meter {name} ends at {last.isoformat()}"
                raise self._bad(series.last_line, f"{what}, others at {ends.isoformat()}")
        if starts == ends:
            raise self._bad(
                self._last_line, "energy is a difference: each meter needs two readings"
            )
        return tuple(Meter(name, tuple(self._series[name].readings)) for name in self._in_order())

    def _in_order(self) -> list[str]:
        if all(_INTEGER.fullmatch(name) for name in self._series):
            return sorted(self._series, key=int)
        return sorted(self._series)
