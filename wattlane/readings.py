"""Meter readings: cumulative integer registers that never fall, one pair of them a meter and time.

Energy is always a difference of two registers, never power times time, so nothing is rounded twice.
The built-in street is one measured year of real homes (wattlane/data/README.md); a file of one's
own is read by wattlane/readings_file.py.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from wattlane.errors import BadChoice

CLEAN_HOMES = (1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 16, 17)
"""Homes whose load column has no long runs of zeros."""

DEFAULT_DAY = date(2017, 6, 17)
"""A Saturday with much to trade: chosen for that, and not an average day."""

PREFERRED_HOMES = (17, 9, 2, 8, 10, 4, 13, 5, 1, 6, 3, 16, 11)
"""`--homes N` takes the first N: the first four trade 28,561 Wh on the default day."""

STREET_ZONE = ZoneInfo("Etc/GMT+8")
"""Of the built-in data: California's winter time all year, as each of its days has 24 hours."""

MINUTES = 60
HOURS_OF_DAY = 24
_FIRST_DAY = date(2016, 8, 1)
_ROWS_BEFORE_FIRST_DAY = 1


@dataclass(frozen=True, slots=True)
class Reading:
    """What both registers of a meter show at a time, in Wh since the meter was made."""

    time: datetime
    import_wh: int
    export_wh: int


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter's readings in the order of time; neither register ever falls."""

    name: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class HomeHour:
    """A row of the built-in data for one home: Wh in one hour."""

    load_wh: int
    pv_wh: int

    @property
    def net_wh(self) -> int:
        """Generation minus consumption: positive is export, negative import."""
        return self.pv_wh - self.load_wh


def home_name(home: int) -> str:
    """The meter's name of a built-in home, as in the data's columns: 2 -> h02."""
    return f"h{home:02}"


@cache
def home_hours(home: int) -> tuple[HomeHour, ...]:
    """All 8,760 hours of a built-in home. Raises BadChoice for a home that is not clean."""
    if home not in CLEAN_HOMES:
        usable = ", ".join(map(str, CLEAN_HOMES))
        raise BadChoice(f"home {home} has no clean data; choose among {usable}")
    source = files("wattlane.data").joinpath("fontana17_hourly.csv")
    name = home_name(home)
    with source.open(encoding="utf-8") as lines:
        return tuple(
            HomeHour(int(row[f"{name}_load_wh"]), int(row[f"{name}_pv_wh"]))
            for row in csv.DictReader(lines)
        )


def last_day() -> date:
    """The last day of the built-in data with all its 24 hours."""
    days = (len(home_hours(CLEAN_HOMES[0])) - _ROWS_BEFORE_FIRST_DAY) // HOURS_OF_DAY
    return _FIRST_DAY + timedelta(days=days - 1)


def interpolate(start: datetime, net_wh: Sequence[int]) -> tuple[Reading, ...]:
    """A reading a minute, from hourly nets (Wh; positive is export) that begin at `start`.

    At minute k of an hour whose import or export is x, that register stands at floor(k x / 60)
    more than at the hour's beginning; the hour ends at exactly x.
    """
    readings = [Reading(start, 0, 0)]
    import_wh = export_wh = 0
    for hour, net in enumerate(net_wh):
        imported, exported = max(-net, 0), max(net, 0)
        for minute in range(1, MINUTES + 1):
            readings.append(
                Reading(
                    start + timedelta(minutes=MINUTES * hour + minute),
                    import_wh + imported * minute // MINUTES,
                    export_wh + exported * minute // MINUTES,
                )
            )
        import_wh += imported
        export_wh += exported
    return tuple(readings)


def built_in_street(
    homes: Sequence[int], day: date, hours: tuple[int, int] = (0, HOURS_OF_DAY)
) -> tuple[Meter, ...]:
    """Meters of built-in homes on a day, by rising home number, from hour hours[0] to hours[1].

    Times are the street's local ones, without a zone. Raises BadChoice for a home that is unknown
    or named twice, a day without data, or hours outside 0 .. 24.
    """
    if len(set(homes)) != len(homes):
        raise BadChoice(f"a home is named twice in {', '.join(map(str, homes))}")
    first, last = hours
    if not 0 <= first < last <= HOURS_OF_DAY:
        raise BadChoice(f"hours {first}-{last} do not rise within 0-{HOURS_OF_DAY}")
    if not _FIRST_DAY <= day <= last_day():
        raise BadChoice(f"no data for {day}; choose a day from {_FIRST_DAY} to {last_day()}")
    row = _ROWS_BEFORE_FIRST_DAY + (day - _FIRST_DAY).days * HOURS_OF_DAY
    start = datetime.combine(day, time(first))
    return tuple(
        Meter(
            home_name(home),
            interpolate(
                start, [hour.net_wh for hour in home_hours(home)[row + first : row + last]]
            ),
        )
        for home in sorted(homes)
    )


def common_times(meters: Sequence[Meter]) -> tuple[datetime, ...]:
    """The times at which every meter has a reading, in order; empty without meters."""
    if not meters:
        return ()
    shared = set.intersection(*({reading.time for reading in meter.readings} for meter in meters))
    return tuple(sorted(shared))
