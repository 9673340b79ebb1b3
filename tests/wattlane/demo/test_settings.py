"""What a demo is asked to do is understood exactly, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattlane.demo.settings import (
    built_in,
    check_l1,
    check_prices,
    from_file,
    parse_homes,
    parse_hours,
)
from wattlane.errors import BadChoice
from wattlane.readings import PREFERRED_HOMES


def test_homes_are_a_count_or_a_list() -> None:
    assert parse_homes("4") == PREFERRED_HOMES[:4]
    assert parse_homes("13") == PREFERRED_HOMES
    assert parse_homes("2,8,9") == (2, 8, 9)


@pytest.mark.parametrize("given", ["", "0", "1", "14", "-4", "4.0", "2,,8", "2;8", "٤", "2, 8"])
def test_other_homes_are_refused(given: str) -> None:
    with pytest.raises(BadChoice, match="homes"):
        parse_homes(given)


@pytest.mark.parametrize("given", ["", "8", "8-", "-8", "8:14", "8-14-20", "a-b", "008-9"])
def test_hours_that_are_not_from_to_are_refused(given: str) -> None:
    with pytest.raises(BadChoice, match="hours"):
        parse_hours(given)


def test_the_title_names_the_day() -> None:
    street, title = built_in("2,9,17", "2017-06-17", "9-11")
    assert title == "Saturday 17 June 2017, hours 9 to 11, homes 2, 9, 17"
    assert [meter.name for meter in street] == ["h02", "h09", "h17"]


def _file(folder: Path) -> Path:
    rows = ["time,meter,import_wh,export_wh"]
    rows += [f"2026-06-21T12:{m:02}:00,{name},{m},0" for m in (0, 10) for name in ("9", "10", "11")]
    path = folder / "street.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_meters_of_a_file_are_all_or_the_first_or_the_named(tmp_path: Path) -> None:
    path = _file(tmp_path)
    assert [meter.name for meter in from_file(path, None)[0]] == ["9", "10", "11"]
    assert [meter.name for meter in from_file(path, "2")[0]] == ["9", "10"]
    assert [meter.name for meter in from_file(path, "11,9")[0]] == ["9", "11"]


@pytest.mark.parametrize("homes", ["1", "4", "9,12", "9,9", "9,", "nobody"])
def test_meters_that_a_file_does_not_have_are_refused(tmp_path: Path, homes: str) -> None:
    with pytest.raises(BadChoice):
        from_file(_file(tmp_path), homes)


@pytest.mark.parametrize(("feed_in", "retail"), [(0, 5), (-1, 5), (6, 5), (5, 2**32)])
def test_prices_at_which_nobody_gains_are_refused(feed_in: int, retail: int) -> None:
    with pytest.raises(Exception, match=r"feed-in|retail"):
        check_prices(feed_in, retail)
    check_prices(5, 5)


def test_an_l1_is_a_kind_or_a_url() -> None:
    for good in ("auto", "anvil", "embedded", "http://127.0.0.1:8545", "https://rpc.example"):
        check_l1(good)
    for bad in ("", "ganache", "ws://127.0.0.1", "127.0.0.1:8545"):
        with pytest.raises(BadChoice, match="anvil"):
            check_l1(bad)
