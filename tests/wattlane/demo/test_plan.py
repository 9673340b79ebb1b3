"""The plan's deposits are enough at every moment of the day, and no more than the day asks for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from energy.community.rules import Side
from energy.intervals import Interval
from energy.settlement.dues import dues
from energy.settlement.flows import FlowKind
from tests.wattlane import recount
from tests.wattlane.demo.market_days import FEED_IN, RETAIL, RULES, TARIFF, hours_of, planned
from wattlane.demo.metering import write_street
from wattlane.demo.plan import Plan, top_up_needed, top_up_place
from wattlane.demo.rehearsal import rehearse
from wattlane.demo.wishes import wishes
from wattlane.errors import BadChoice
from wattlane.readings import PREFERRED_HOMES


def _trades(plan: Plan, place: int) -> list[tuple[str, str, int, int]]:
    """(buyer, seller, Wh, ntok) of an interval, from its settlement."""
    home = plan.rehearsal.home
    return [
        (home(flow.payer), home(flow.payee), flow.energy_wh, flow.amount_ntok)
        for flow in plan.rehearsal.settled[place].flows
        if flow.kind is FlowKind.TRADE
        if isinstance(flow.payer, int) and isinstance(flow.payee, int)
    ]


@pytest.mark.parametrize("count", [3, 4])
def test_no_payment_of_the_day_exceeds_a_capacity(count: int) -> None:
    plan = planned(count, (5, 16))
    buys = {wish.home: wish.buys_up_to for wish in plan.wishes}
    first = {(one.opener, one.peer): one.first_deposit_ntok for one in plan.channels}
    whole = {(one.opener, one.peer): one.opener_need_ntok for one in plan.channels}
    whole |= {(one.peer, one.opener): one.peer_need_ntok for one in plan.channels}
    paid: dict[tuple[str, str], int] = defaultdict(int)
    needed = top_up_needed(plan)
    assert 0 < top_up_place(plan, 4) <= needed < len(plan.timeline.intervals)
    for place in range(len(plan.timeline.intervals)):
        lacks = {
            plan.rehearsal.home(one.home): max(one.import_wh - one.export_wh, 0)
            for one in plan.rehearsal.settled[place].metered
        }
        deposits = first if place < needed else whole
        for buyer, seller, _, ntok in _trades(plan, place):
            way, back = (buyer, seller), (seller, buyer)
            free = deposits.get(way, 0) + paid[back] - paid[way]
            assert free >= lacks[buyer] * buys[buyer] >= ntok > 0
        for buyer, seller, _, ntok in _trades(plan, place):
            paid[buyer, seller] += ntok
    assert all(paid[way] or not need for way, need in whole.items())


def test_there_is_one_channel_for_each_pair_that_trades() -> None:
    plan = planned(6, (10, 12))
    trading = {
        frozenset((buyer, seller))
        for place in range(len(plan.timeline.intervals))
        for buyer, seller, _, _ in _trades(plan, place)
    }
    assert {channel.pair for channel in plan.channels} == trading
    assert len(plan.channels) == len(trading)


def test_who_pays_first_opens() -> None:
    plan = planned(4, (5, 16))
    for channel in plan.channels:
        ways = [
            (buyer, seller)
            for place in range(len(plan.timeline.intervals))
            for buyer, seller, _, _ in _trades(plan, place)
            if {buyer, seller} == channel.pair
        ]
        assert ways[0] == (channel.opener, channel.peer)
        assert 0 < channel.first_deposit_ntok <= channel.opener_need_ntok


def test_what_was_promised_is_what_the_settlements_add_up_to() -> None:
    plan = planned(4, (10, 12))
    owed = dues(plan.rehearsal.settled, RULES.topology, community=0)
    for pair, due in owed.items():
        promised = plan.rehearsal.promised_ntok[pair]
        assert len(promised) == len(plan.timeline.intervals) + 1
        assert list(promised) == sorted(promised)
        assert due.amount_ntok <= promised[-1] <= due.amount_ntok * 101 // 100


def test_the_home_that_disappears_only_buys_and_is_away_after_its_last_trade() -> None:
    plan = planned(4, (10, 20))
    assert plan.vanishing == "h17"
    assert plan.gone is not None
    assert plan.totals["h17"].sold_wh == 0 < plan.totals["h17"].bought_wh
    assert plan.gone.place == plan.rehearsal.last_trade_of("h17") + 1
    account = plan.rehearsal.account("h17")
    for place, settlement in enumerate(plan.rehearsal.settled):
        shown = {one.home for one in settlement.metered}
        assert (account in shown) == (place < plan.gone.place)


def test_a_home_that_trades_to_the_end_stays_until_the_day_is_over() -> None:
    plan = planned(4, (10, 12))
    assert plan.gone is not None
    assert plan.gone.place == len(plan.timeline.intervals)


def test_nobody_disappears_where_time_cannot_be_moved_or_homes_are_few() -> None:
    assert planned(4, (10, 12), can_disappear=False).gone is None
    assert planned(2, (10, 12)).gone is None


def test_a_homes_energy_goes_to_neighbours_or_grid_and_none_is_lost() -> None:
    plan = planned(4, (10, 12))
    assert sum(one.bought_wh for one in plan.totals.values()) == plan.matched_wh > 0
    assert sum(one.sold_wh for one in plan.totals.values()) == plan.matched_wh
    for home in plan.homes:
        first, last = plan.timeline.stands[home][0], plan.timeline.stands[home][-1]
        one = plan.totals[home]
        assert last.import_wh - first.import_wh == one.bought_wh + one.from_grid_wh
        assert last.export_wh - first.export_wh == one.sold_wh + one.to_grid_wh


def test_limits_differ_from_home_to_home_and_lie_between_the_grids_prices() -> None:
    wanted = wishes(("a", "b", "c", "d"), FEED_IN, RETAIL)
    assert [one.sells_from for one in wanted] == [80_000, 95_000, 110_000, 125_000]
    assert [one.buys_up_to for one in wanted] == [320_000, 305_000, 290_000, 275_000]
    assert [one.green_only for one in wanted] == [False, True, False, False]
    assert [one.prefers for one in wanted][1:] == [
        ("a", "c", "d"),
        ("b", "d", "a"),
        ("c", "b", "a"),
    ]
    sells, buys = wanted[3].orders({"a": 5, "b": 6, "c": 9, "d": 7}, Interval(1, 9))
    assert (sells.side, sells.number, sells.limit_utok_per_kwh) == (Side.SELL, 1, 125_000)
    assert (buys.side, buys.number, buys.preferred) == (Side.BUY, 2, (9, 6, 5))
    assert (buys.from_ms, buys.until_ms, buys.energy_wh) == (1, 9, 0)


@pytest.mark.parametrize("count", [4, 6])
def test_without_limits_a_day_trades_all_that_an_independent_count_can_match(
    tmp_path: Path, count: int
) -> None:
    line = hours_of(PREFERRED_HOMES[:count], (8, 14))
    ends = [line.times_ms.index(one.start_ms) for one in line.intervals] + [-1]
    quarters = {home: tuple(stands[at] for at in ends) for home, stands in line.stands.items()}
    times = tuple(line.times_ms[at] for at in ends)
    by_quarters = replace(line, times_ms=times, stands=quarters)
    path = tmp_path / "quarters.csv"
    write_street(by_quarters, path)
    open_to_all = [
        replace(one, sells_from=FEED_IN, buys_up_to=RETAIL, green_only=False)
        for one in wishes(tuple(line.stands), FEED_IN, RETAIL)
    ]
    found = rehearse(line, open_to_all, RULES, TARIFF).traded_wh
    assert found == rehearse(by_quarters, open_to_all, RULES, TARIFF).traded_wh > 0
    assert found == recount.matched_over_common_times(path)


def test_a_street_of_more_homes_than_an_order_can_name_is_refused() -> None:
    with pytest.raises(BadChoice, match="at most 17"):
        wishes([f"h{number}" for number in range(18)], FEED_IN, RETAIL)


def test_a_limit_keeps_a_home_from_a_price_that_does_not_suit_it() -> None:
    line = hours_of([2, 9, 17], (8, 10))
    wanted = wishes(tuple(line.stands), FEED_IN, RETAIL)
    free = rehearse(line, wanted, RULES, TARIFF)
    choosy = [replace(one, buys_up_to=FEED_IN - 1) if one.home == "h17" else one for one in wanted]
    assert free.last_trade_of("h17") >= 0
    assert rehearse(line, choosy, RULES, TARIFF).last_trade_of("h17") == -1


def test_a_night_without_sun_has_nothing_to_trade() -> None:
    with pytest.raises(BadChoice, match="nothing to trade"):
        planned(4, (0, 4))
