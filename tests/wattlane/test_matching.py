"""Matching: totals against independent code and the published figure, shares by property."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wattlane
from tests.wattlane import recount
from wattlane.matching import intervals, largest_remainder, match, midpoint_price, pair
from wattlane.readings import (
    CLEAN_HOMES,
    DEFAULT_DAY,
    PREFERRED_HOMES,
    built_in_street,
    home_hours,
    home_name,
)
from wattlane.readings_file import read_street

DATA = Path(wattlane.__file__).parent / "data" / "fontana17_hourly.csv"
DAY_ROW = 1 + 24 * (DEFAULT_DAY - datetime(2016, 8, 1).date()).days
NETS = st.lists(st.integers(-3_000, 3_000), min_size=2, max_size=9).map(
    lambda nets: [(f"m{place:02}", net) for place, net in enumerate(nets)]
)


def test_the_year_over_all_clean_homes_is_the_published_figure() -> None:
    years = {home: home_hours(home) for home in CLEAN_HOMES}
    total = 0
    for row in range(len(years[1])):
        matched_wh, trades = match([(home_name(h), years[h][row].net_wh) for h in CLEAN_HOMES])
        assert sum(trade.energy_wh for trade in trades) == matched_wh
        total += matched_wh
    assert total == 6_832_756
    assert recount.matched_by_the_hour(recount.hourly_nets(DATA, list(CLEAN_HOMES))) == total


@pytest.mark.parametrize("count", [2, 4, 6, 13])
def test_the_demo_day_equals_an_independent_count(count: int) -> None:
    homes = PREFERRED_HOMES[:count]
    total = sum(one.matched_wh for one in intervals(built_in_street(homes, DEFAULT_DAY)))
    day = recount.hourly_nets(DATA, list(homes))[DAY_ROW : DAY_ROW + 24]
    assert total == recount.matched_by_the_minute(day)
    if count == 4:
        assert total == 28_558


def _street_file(path: Path, meters: int, steps: list[int], minutes: int, seed: int) -> None:
    """Meters with other steps and counts: registers run for ever, some both in one interval."""
    draw = random.Random(seed)
    lines = ["time,meter,import_wh,export_wh"]
    for number in range(meters):
        imported, exported = draw.randrange(10**6), draw.randrange(10**6)
        for minute in range(0, minutes + 1, steps[number % len(steps)]):
            at = datetime(2026, 3, 1, 6) + timedelta(minutes=minute)
            lines.append(f"{at.isoformat()},meter {number},{imported},{exported}")
            imported += draw.randrange(400) * draw.randrange(2)
            exported += draw.randrange(400) * draw.randrange(2)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("meters", "steps", "minutes"), [(7, [5], 600), (3, [15], 1_440), (12, [4, 6, 10], 600)]
)
def test_a_file_with_other_steps_and_meters_equals_an_independent_count(
    tmp_path: Path, meters: int, steps: list[int], minutes: int
) -> None:
    path = tmp_path / "readings.csv"
    _street_file(path, meters, steps, minutes, seed=meters)
    total = sum(one.matched_wh for one in intervals(read_street(path)))
    assert total > 0
    assert total == recount.matched_over_common_times(path)


@given(NETS)
def test_both_sides_share_what_is_matched_and_nobody_more_than_its_net(
    net_wh: list[tuple[str, int]],
) -> None:
    matched_wh, trades = match(net_wh)
    surplus = sum(net for _, net in net_wh if net > 0)
    deficit = sum(-net for _, net in net_wh if net < 0)
    assert matched_wh == min(surplus, deficit) == sum(trade.energy_wh for trade in trades)
    for meter, net in net_wh:
        sold = sum(trade.energy_wh for trade in trades if trade.seller == meter)
        bought = sum(trade.energy_wh for trade in trades if trade.buyer == meter)
        assert 0 <= sold <= max(net, 0)
        assert 0 <= bought <= max(-net, 0)
        if matched_wh:
            side, whole = (sold, surplus) if net > 0 else (bought, deficit)
            assert abs(side * whole - matched_wh * abs(net)) < whole  # within one Wh of pro rata


@given(NETS)
def test_there_are_few_pairs_and_each_at_most_once(net_wh: list[tuple[str, int]]) -> None:
    _, trades = match(net_wh)
    assert all(trade.energy_wh > 0 for trade in trades)
    assert len({(trade.buyer, trade.seller) for trade in trades}) == len(trades)
    assert len(trades) < len([1 for _, net in net_wh if net]) or not trades


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=8), st.data())
def test_shares_add_up_to_the_total(weights: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(weights)))
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert 0 <= share <= weight


def test_ties_go_to_the_lower_meter() -> None:
    assert largest_remainder(1, [5, 5, 5]) == (1, 0, 0)
    assert largest_remainder(2, [5, 5, 5]) == (1, 1, 0)
    matched_wh, trades = match([("a", 3), ("b", 3), ("c", -1)])
    assert (matched_wh, [trade.seller for trade in trades]) == (1, ["a"])


def test_the_largest_remainder_comes_before_the_lower_meter() -> None:
    assert largest_remainder(5, [3, 4, 3]) == (2, 2, 1)  # quotas 1.5, 2, 1.5
    assert largest_remainder(10, [1, 1, 9]) == (1, 1, 8)  # quotas 0.91, 0.91, 8.18


def test_pairs_are_walked_in_order() -> None:
    trades = pair([("a", 5), ("b", 7)], [("c", 6), ("d", 6)])
    walked = [(trade.buyer, trade.seller, trade.energy_wh) for trade in trades]
    assert walked == [("c", "a", 5), ("c", "b", 1), ("d", "b", 6)]


def test_without_both_sides_nothing_is_matched() -> None:
    assert match([("a", 5), ("b", 7)]) == (0, ())
    assert match([("a", -5), ("b", 0)]) == (0, ())
    assert match([]) == (0, ())


def test_the_price_is_the_integer_midpoint() -> None:
    assert midpoint_price(80_000, 320_000) == 200_000
    assert midpoint_price(0, 1) == 0
