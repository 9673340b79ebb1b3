"""The built-in street: real hours become registers, exactly."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattlane.errors import BadChoice
from wattlane.readings import (
    CLEAN_HOMES,
    DEFAULT_DAY,
    HOURS_OF_DAY,
    PREFERRED_HOMES,
    built_in_street,
    common_times,
    home_hours,
    interpolate,
    last_day,
)

START = datetime(2017, 6, 17)
NETS = st.lists(st.integers(-20_000, 20_000), min_size=1, max_size=5)


@given(NETS)
def test_minute_k_of_an_hour_stands_at_the_floor_of_k_sixtieths(nets: list[int]) -> None:
    readings = interpolate(START, nets)
    for place, reading in enumerate(readings):
        hour, minute = divmod(place, 60)
        done, now = nets[:hour], nets[hour : hour + 1] or [0]
        imported = sum(-x for x in done if x < 0) + (max(-now[0], 0) * minute) // 60
        exported = sum(x for x in done if x > 0) + (max(now[0], 0) * minute) // 60
        assert reading.time == START + timedelta(minutes=place)
        assert (reading.import_wh, reading.export_wh) == (imported, exported)


@given(NETS)
def test_registers_never_fall_and_end_at_the_hours_sums(nets: list[int]) -> None:
    readings = interpolate(START, nets)
    assert len(readings) == 60 * len(nets) + 1
    for before, after in pairwise(readings):
        assert after.import_wh >= before.import_wh
        assert after.export_wh >= before.export_wh
    assert readings[-1].export_wh - readings[-1].import_wh == sum(nets)


def test_a_day_of_the_street_is_the_files_24_rows_of_that_date() -> None:
    day = date(2016, 8, 1)  # row 1 of the file is its first hour
    street = built_in_street([2, 1], day)
    assert [meter.name for meter in street] == ["h01", "h02"]
    expected = sum(hour.net_wh for hour in home_hours(1)[1:25])
    last = street[0].readings[-1]
    assert last.export_wh - last.import_wh == expected
    assert (street[0].readings[0].time, last.time) == (
        datetime(2016, 8, 1),
        datetime(2016, 8, 2),
    )


def test_hours_cut_the_day() -> None:
    whole = built_in_street([2], DEFAULT_DAY)[0].readings
    part = built_in_street([2], DEFAULT_DAY, (9, 17))[0].readings
    assert part[0].time.hour == 9
    assert len(part) == 8 * 60 + 1
    assert part[-1].export_wh == whole[17 * 60].export_wh - whole[9 * 60].export_wh


def test_every_clean_home_has_a_full_year_and_a_full_default_day() -> None:
    assert sorted(PREFERRED_HOMES) == sorted(CLEAN_HOMES)
    street = built_in_street(CLEAN_HOMES, DEFAULT_DAY)
    assert len(common_times(street)) == 60 * HOURS_OF_DAY + 1
    assert all(len(home_hours(home)) == 8_760 for home in CLEAN_HOMES)
    assert last_day() == date(2017, 7, 30)


@pytest.mark.parametrize("home", [0, 7, 12, 14, 15, 18])
def test_a_home_without_clean_data_is_refused(home: int) -> None:
    with pytest.raises(BadChoice, match=f"home {home} "):
        built_in_street([1, home], DEFAULT_DAY)


def test_a_home_named_twice_is_refused() -> None:
    with pytest.raises(BadChoice, match="named twice"):
        built_in_street([1, 1], DEFAULT_DAY)


@pytest.mark.parametrize("day", [date(2016, 7, 31), date(2017, 7, 31), date(2026, 1, 1)])
def test_a_day_outside_the_data_is_refused(day: date) -> None:
    with pytest.raises(BadChoice, match="choose a day"):
        built_in_street([1, 2], day)


@pytest.mark.parametrize("hours", [(5, 5), (9, 8), (-1, 4), (0, 25)])
def test_hours_that_are_no_part_of_a_day_are_refused(hours: tuple[int, int]) -> None:
    with pytest.raises(BadChoice, match="hours"):
        built_in_street([1, 2], DEFAULT_DAY, hours)
