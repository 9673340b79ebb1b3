"""The built-in year: what the data's note says without limits, and an exact account with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from energy.community.rules import ClearingRule, Tariff
from energy.replay.battery import Battery
from energy.replay.limits import Limit, spread_limits
from wattlane.errors import BadChoice
from wattlane.market_replay import (
    Answer,
    Question,
    answer,
    built_in_year,
    document,
    lines,
    read_limits,
)
from wattlane.readings import CLEAN_HOMES

TARIFF = Tariff(0, 320_000, 80_000)
DOCS = Path(__file__).parents[2] / "docs"
KNOWN_WH = 6_832_756
"""Stated with the data (wattlane/data/README.md), added up by hand."""
QUESTION = Question(
    TARIFF,
    ClearingRule.SUPPLY_DEMAND,
    spread_limits(CLEAN_HOMES, TARIFF),
    Battery(10_000, 5_000),
    2,
)


@pytest.fixture(scope="module")
def year() -> Answer:
    return answer(built_in_year(), QUESTION, lambda _done, _all: None)


def test_the_year_matches_what_is_known_of_it(year: Answer) -> None:
    assert year.free.traded_wh == year.street.matched_wh == KNOWN_WH
    assert sum(year.free.sold_wh.values()) == sum(year.free.bought_wh.values()) == KNOWN_WH
    assert year.street.load_wh == 135_896_616
    assert KNOWN_WH * 1000 // year.street.load_wh == 50


def test_the_pages_say_what_the_year_gives(year: Answer) -> None:
    """docs/market.md, "What a street trades", and what docs/treasurer.md tells a meeting."""
    of_use = year.street.load_wh
    part = (DOCS / "market.md").read_text(encoding="utf-8").split("### What a street trades", 1)[1]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if line.startswith("|")
    ]
    battery, changed = QUESTION.battery, QUESTION.changed
    traded = {home: one.matched_wh for home, one in year.without.items()}
    least, most = (pick(traded, key=lambda home: traded[home]) for pick in (min, max))
    size, power = battery.size_wh // 1000, battery.power_w // 1000
    kept = battery.efficiency_permille // 10
    expected = {
        "the street as it is": year.free.traded_wh,
        "with limits from any price to three quarters of the gain, supply and demand": (
            year.limited.traded_wh
        ),
        f"one battery of {size} kWh for all ({power} kW, {kept} %), fed with what nobody takes": (
            year.street.matched_wh + year.shared_battery.given_wh
        ),
        f"the same battery at home {changed}, for itself first": year.own_battery_street.matched_wh,
        f"home {least} without panels, the least change": traded[least],
        f"home {most} without panels, the most": traded[most],
    }
    assert rows[2:] == [
        [what, f"{wh // 1000:,}.{wh % 1000:03}", _percent(wh, of_use)]
        for what, wh in expected.items()
    ]
    hours = f"in {year.free.hours_with_trade:,} of {built_in_year().hours:,} hours one home has"
    assert hours in part
    share = _percent(KNOWN_WH, of_use)
    assert f"it trades {KNOWN_WH:,} Wh" in part
    assert f"added up: {share} of what is used" in part
    told = (DOCS / "treasurer.md").read_text(encoding="utf-8")
    homes = f"of a measured year of {len(CLEAN_HOMES)} such homes"
    assert f"{homes} {share} of what they use could come from a neighbour" in told


def _percent(part: int, whole: int) -> str:
    """With one place, rounded down."""
    return f"{1000 * part // whole // 10}.{1000 * part // whole % 10} %"


def test_with_limits_less_is_traded_and_each_missing_wh_has_a_line(year: Answer) -> None:
    assert 0 < year.limited.traded_wh < KNOWN_WH
    assert year.limited.traded_wh + year.limited.missing_wh == KNOWN_WH
    limits = QUESTION.limits
    for line in year.limited.kept_back:
        limit = limits[line.home]
        assert line.limit_utok_per_kwh in (limit.sell_utok_per_kwh, limit.buy_utok_per_kwh)
    # the first home takes any price, so nothing is kept back by it
    assert CLEAN_HOMES[0] not in {line.home for line in year.limited.kept_back}


def test_nobody_is_worse_off_than_with_the_grid(year: Answer) -> None:
    assert all(gain >= 0 for gain in year.free.gained_ntok.values())
    assert all(gain >= 0 for gain in year.limited.gained_ntok.values())


def test_a_home_without_panels_and_a_battery_for_all_let_more_be_traded(year: Answer) -> None:
    assert all(one.matched_wh > KNOWN_WH for one in year.without.values())
    assert year.shared_battery.given_wh > 0
    assert year.own_battery_street.matched_wh < KNOWN_WH  # what it keeps, no neighbour gets


def test_the_report_and_the_file_say_the_same(year: Answer) -> None:
    text = "\n".join(lines(QUESTION, year))
    assert "6,832,756 Wh" in text
    assert "all that is possible" in text
    assert "fault" not in text
    told = json.loads(json.dumps(document(QUESTION, year)))
    assert told["without_limits"]["traded_wh"] == KNOWN_WH
    limited = told["with_limits"]
    assert sum(line["kept_wh"] for line in limited["kept_back"]) == limited["missing_wh"]
    table = text[text.index("whose limit") : text.index("one battery")].splitlines()[2:]
    rows = [int(row.split()[-1].replace(",", "")) for row in table if row]
    assert sum(rows[:-1]) == rows[-1] == limited["missing_wh"]


def test_limits_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "limits.csv"
    rows = "".join(f"{home},{100_000 + home},{300_000 - home}\n" for home in CLEAN_HOMES)
    path.write_text(f"home,sell_utok_per_kwh,buy_utok_per_kwh\n{rows}")
    assert read_limits(path, TARIFF)[17] == Limit(100_017, 299_983)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the header must be"),
        ("home,sell,buy\n", "the header must be"),
        ("home,sell_utok_per_kwh,buy_utok_per_kwh\n1,2\n", "line 2: three whole numbers"),
        ("home,sell_utok_per_kwh,buy_utok_per_kwh\n1,-2,3\n", "line 2: three whole numbers"),
        ("home,sell_utok_per_kwh,buy_utok_per_kwh\n7,2,3\n", "home 7 is unknown"),
        ("home,sell_utok_per_kwh,buy_utok_per_kwh\n1,2,3\n1,2,3\n", "line 3: home 1 is"),
        ("home,sell_utok_per_kwh,buy_utok_per_kwh\n1,2,3\n", "home 2 has no line"),
    ],
)
def test_a_file_of_limits_is_sound_or_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "limits.csv"
    path.write_text(text)
    with pytest.raises(BadChoice, match=reason):
        read_limits(path, TARIFF)
    with pytest.raises(BadChoice, match="cannot read"):
        read_limits(tmp_path / "none.csv", TARIFF)
