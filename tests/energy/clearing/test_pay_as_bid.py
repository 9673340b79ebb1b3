"""Pay as bid: price, then time, and each pays what it said."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from energy.clearing.bidders import bidders
from energy.clearing.clear import clear
from energy.clearing.trades import Bid
from energy.community.rules import ClearingRule, Side
from tests.energy.clearing.street import QUARTER, TARIFF, bid, rest_wh, rules, streets

SELL, BUY = Side.SELL, Side.BUY
BY = rules(ClearingRule.PAY_AS_BID)


@settings(max_examples=300)
@given(streets())
def test_price_and_time_come_first(bids: list[Bid]) -> None:
    """Who has energy left could not have traded with anyone whose turn came later: so no trade is
    left that both want, and none of a later one that an earlier one would have had."""
    of = {one.order: one for one in bids}
    done = clear(bids, QUARTER, BY, TARIFF)
    rest = rest_wh(bids, done)
    taking_part = bidders(bids)
    for buy in taking_part.buys:
        mine = [trade for trade in done.trades if trade.buy_order == buy.order]
        assert {trade.price_utok_per_kwh for trade in mine} <= {buy.limit_utok_per_kwh}
        usable = [s for s in taking_part.sells if s.is_green or not buy.green_only]
        within = [s for s in usable if s.limit_utok_per_kwh <= buy.limit_utok_per_kwh]
        if rest[buy.order]:
            assert not any(rest[sell.order] for sell in within)
            turn = (-buy.limit_utok_per_kwh, buy.place)
            for trade in done.trades:
                other = of[trade.buy_order]
                if (-other.limit_utok_per_kwh, other.place) > turn:
                    assert of[trade.sell_order] not in within
        dearest = max((of[t.sell_order].limit_utok_per_kwh for t in mine), default=-1)
        assert not any(rest[s.order] for s in usable if s.limit_utok_per_kwh < dearest)


def test_the_higher_bid_then_the_earlier_one_is_served() -> None:
    """From the lowest ask, then the earlier one; the last trades are partial fills."""
    bids = [
        bid(0, BUY, 12, 10),
        bid(1, BUY, 15, 10),
        bid(2, BUY, 12, 10),
        bid(3, SELL, 11, 10),
        bid(4, SELL, 6, 5),
        bid(5, SELL, 11, 10),
    ]
    found = [
        (t.seller, t.buyer, t.energy_wh, t.price_utok_per_kwh)
        for t in clear(bids, QUARTER, BY, TARIFF).trades
    ]
    assert found == [(4, 1, 5, 15), (3, 1, 5, 15), (3, 0, 5, 12), (5, 0, 5, 12), (5, 2, 5, 12)]


def test_a_buyer_prefers_among_those_that_ask_the_same() -> None:
    """Never a dearer one."""
    sells = [bid(0, SELL, 6, 10), bid(1, SELL, 6, 10), bid(2, SELL, 5, 10), bid(3, SELL, 7, 10)]
    wishing = bid(4, BUY, 12, 15, preferred=(3, 1))
    found = [(t.seller, t.energy_wh) for t in clear([*sells, wishing], QUARTER, BY, TARIFF).trades]
    assert found == [(2, 10), (1, 5)]


def test_a_buyer_of_green_passes_over_the_others() -> None:
    """Also where one of them is preferred, and asks no more."""
    sells = [bid(0, SELL, 8, 10), bid(1, SELL, 8, 10, green=True)]
    wishing = replace(bid(2, BUY, 12, 15, green=True), preferred=(0,))
    found = [(t.seller, t.energy_wh) for t in clear([*sells, wishing], QUARTER, BY, TARIFF).trades]
    assert found == [(1, 10)]
