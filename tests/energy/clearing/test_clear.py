"""What holds for every rule: limits, sums, order of input, green, and a reason for each bid."""

from __future__ import annotations

import gc
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.clearing.clear import clear
from energy.clearing.reasons import Reason
from energy.clearing.trades import Bid, Clearing
from energy.community.rules import ClearingRule, Rules, SharingRule, Side, Tariff
from energy.errors import BadBids
from tests.energy.clearing.street import QUARTER, TARIFF, bid, rest_wh, rules, streets

SELL, BUY = Side.SELL, Side.BUY
every_rule = st.builds(rules, st.sampled_from(ClearingRule), st.sampled_from(SharingRule))


def cleared(bids: list[Bid], by: Rules, tariff: Tariff = TARIFF) -> Clearing:
    """The clearing of a quarter of an hour."""
    return clear(bids, QUARTER, by, tariff)


@settings(max_examples=150)
@given(streets(), every_rule)
def test_nobody_trades_worse_than_its_limit_or_more_than_it_bid(bids: list[Bid], by: Rules) -> None:
    """Nor with itself, on both sides, or other than green where it wants green alone; what is
    bought was sold, and a pair of orders makes one trade."""
    of = {one.order: one for one in bids}
    done = cleared(bids, by)
    for trade in done.trades:
        sell, buy = of[trade.sell_order], of[trade.buy_order]
        assert (sell.side, buy.side) == (SELL, BUY)
        assert (sell.home, buy.home) == (trade.seller, trade.buyer)
        assert sell.limit_utok_per_kwh <= trade.price_utok_per_kwh <= buy.limit_utok_per_kwh
        assert trade.energy_wh > 0
        assert sell.is_green or not buy.green_only
    assert not {trade.seller for trade in done.trades} & {trade.buyer for trade in done.trades}
    assert min(rest_wh(bids, done).values(), default=0) >= 0
    sold, bought = (
        sum(one.energy_wh - rest_wh(bids, done)[one.order] for one in bids if one.side is side)
        for side in (SELL, BUY)
    )
    assert sold == bought == done.traded_wh
    pairs = Counter((trade.sell_order, trade.buy_order) for trade in done.trades)
    assert max(pairs.values(), default=1) == 1


@settings(max_examples=100)
@given(streets(), every_rule, st.data())
def test_the_order_of_the_bids_changes_nothing(
    bids: list[Bid], by: Rules, data: st.DataObject
) -> None:
    """A clearing depends on the bids and their places alone."""
    assert cleared(data.draw(st.permutations(bids)), by) == cleared(bids, by)


@settings(max_examples=100)
@given(streets(), every_rule)
def test_each_bid_is_in_a_trade_or_left_out_with_a_reason(bids: list[Bid], by: Rules) -> None:
    """One of the two, once, in order of places."""
    done = cleared(bids, by)
    traded = {order for one in done.trades for order in (one.sell_order, one.buy_order)}
    left_out = [order for order, _ in done.left_out]
    assert sorted([*traded, *left_out]) == sorted(one.order for one in bids)
    assert left_out == sorted(left_out)
    assert {reason for _, reason in done.left_out} <= {reason.value for reason in Reason}


@settings(max_examples=100)
@given(streets(), every_rule)
def test_preferences_choose_neighbours_not_prices_or_amounts(bids: list[Bid], by: Rules) -> None:
    """Each bid trades as much, at the same prices, as if nobody had any.

    Paying as bid, the preferred seller gets the whole trade: there the buyers' side alone is so,
    and only where all energy is equally good for all.
    """
    is_pay_as_bid = by.clearing is ClearingRule.PAY_AS_BID
    if is_pay_as_bid:
        bids = [replace(one, green_only=False) for one in bids]
    plain = [replace(one, preferred=()) for one in bids]
    with_wishes, without = cleared(bids, by), cleared(plain, by)
    assert with_wishes.price_utok_per_kwh == without.price_utok_per_kwh
    rest, plain_rest = rest_wh(bids, with_wishes), rest_wh(plain, without)
    for one in bids:
        if one.side is BUY or not is_pay_as_bid:
            assert rest[one.order] == plain_rest[one.order]


@pytest.mark.parametrize("rule", ClearingRule)
def test_nothing_comes_of_nothing(rule: ClearingRule) -> None:
    """Neither of no bids nor of one side alone."""
    for bids in ([], [bid(0, SELL, 5, 10)], [bid(0, BUY, 5, 10)]):
        done = cleared(bids, rules(rule))
        assert (done.trades, done.price_utok_per_kwh) == ((), 0)
        assert done.rules_version == 3


@pytest.mark.parametrize("rule", ClearingRule)
def test_a_home_stands_on_one_side(rule: ClearingRule) -> None:
    """On that of the larger energy; the other bid says why it is left out."""
    bids = [
        bid(0, SELL, 5, 10, home=7),
        bid(1, BUY, 18, 30, home=7),
        bid(2, SELL, 5, 30, home=8),
    ]
    done = cleared(bids, rules(rule))
    assert [(trade.seller, trade.buyer, trade.energy_wh) for trade in done.trades] == [(8, 7, 30)]
    assert done.left_out == ((b"\x00", Reason.BOTH_SIDES.value),)


@pytest.mark.parametrize("rule", ClearingRule)
def test_each_reason_for_being_left_out(rule: ClearingRule) -> None:
    """An empty bid, limits beyond the price, no green energy, and nothing left."""
    bids = [
        bid(0, SELL, 5, 10),
        bid(1, BUY, 18, 10),
        bid(2, BUY, 18, 0),
        bid(3, SELL, 19, 10),
        bid(4, BUY, 4, 10),
        bid(5, BUY, 18, 10, green=True),
        bid(6, BUY, 17, 1000),
    ]
    by = rules(rule, SharingRule.FIRST_IN_FIRST_OUT)
    assert dict(cleared(bids, by).left_out) == {
        bytes([place]): reason.value
        for place, reason in {
            2: Reason.EMPTY,
            3: Reason.LIMIT,
            4: Reason.LIMIT,
            5: Reason.NO_GREEN,
            6: Reason.LIMIT if rule is not ClearingRule.SUPPLY_DEMAND else Reason.NOTHING_LEFT,
        }.items()
    }


def test_a_limit_that_is_the_price_is_not_beyond_it() -> None:
    """Who came too late at it is told that nothing was left."""
    bids = [bid(0, SELL, 10, 30), bid(1, SELL, 10, 30), bid(2, BUY, 15, 30)]
    done = cleared(bids, rules(ClearingRule.UNIFORM, SharingRule.FIRST_IN_FIRST_OUT))
    assert done.price_utok_per_kwh == 10
    assert done.left_out == ((b"\x01", Reason.NOTHING_LEFT.value),)


@pytest.mark.parametrize(
    ("bids", "why"),
    [
        ([bid(0, SELL, 5, 10), replace(bid(1, BUY, 5, 10), place=0)], "same place"),
        ([bid(0, SELL, 5, 10), replace(bid(1, BUY, 5, 10), order=b"\x00")], "same order"),
        ([bid(0, SELL, 5, -1)], "negative"),
        ([bid(0, SELL, -5, 1)], "negative"),
    ],
)
def test_bids_that_no_book_makes_are_refused(bids: list[Bid], why: str) -> None:
    """They would have no one clearing."""
    with pytest.raises(BadBids, match=why):
        cleared(bids, rules(ClearingRule.UNIFORM))


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_is_left_as_it_was(is_on: bool) -> None:
    """Also where the bids are refused."""
    was_on = gc.isenabled()
    try:
        (gc.enable if is_on else gc.disable)()
        with pytest.raises(BadBids):
            cleared([bid(0, SELL, 5, -1)], rules(ClearingRule.UNIFORM))
        cleared([bid(0, SELL, 5, 1)], rules(ClearingRule.UNIFORM))
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()
