"""The supply-demand price lies between the grid's prices, and follows scarcity."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from energy.clearing.bidders import bidders
from energy.clearing.clear import clear
from energy.clearing.reasons import Reason
from energy.clearing.trades import Bid
from energy.community.rules import ClearingRule, SharingRule, Side
from tests.energy.clearing.street import QUARTER, TARIFF, bid, rest_wh, rules, streets

SELL, BUY = Side.SELL, Side.BUY
LOW, HIGH = 5, 18
BY = rules(ClearingRule.SUPPLY_DEMAND)


def price_by_trying_all(bids: list[Bid]) -> int:
    """The highest price that is not above what the rule gives for those willing at it."""
    found = LOW
    taking_part = bidders(bids)
    for price in range(LOW, HIGH + 1):
        supply = sum(o.energy_wh for o in taking_part.sells if o.limit_utok_per_kwh <= price)
        demand = sum(o.energy_wh for o in taking_part.buys if o.limit_utok_per_kwh >= price)
        if demand and price <= LOW + (HIGH - LOW) * demand // (supply + demand):
            found = price
    return found


@settings(max_examples=200)
@given(streets(), st.sampled_from(SharingRule))
def test_all_who_are_willing_at_the_rules_price_trade(
    bids: list[Bid], sharing: SharingRule
) -> None:
    """No two that could trade at it have energy left, so no two would rather have another deal at
    the only price there is."""
    done = clear(bids, QUARTER, rules(ClearingRule.SUPPLY_DEMAND, sharing), TARIFF)
    price = price_by_trying_all(bids)
    assert {trade.price_utok_per_kwh for trade in done.trades} <= {price}
    assert done.price_utok_per_kwh == (price if done.trades else 0)
    rest = rest_wh(bids, done)
    taking_part = bidders(bids)
    for sell in taking_part.sells:
        for buy in taking_part.buys:
            if sell.limit_utok_per_kwh <= price <= buy.limit_utok_per_kwh and (
                sell.is_green or not buy.green_only
            ):
                assert not (rest[sell.order] and rest[buy.order])


def test_the_price_falls_as_supply_grows() -> None:
    """In the middle with as much as is wanted, near the retail price with little."""
    prices = []
    for offered in (1, 100, 10_000):
        bids = [bid(0, SELL, 0, offered), bid(1, BUY, 30, 100)]
        prices.append(clear(bids, QUARTER, BY, TARIFF).price_utok_per_kwh)
    assert prices == [17, 11, 5]


def test_a_seller_that_asks_more_does_not_move_those_who_ask_less() -> None:
    """Its energy counts only at prices at which it would sell: 10 would be for all three."""
    two = [bid(0, SELL, 0, 100), bid(1, BUY, 30, 100)]
    three = [*two, bid(2, SELL, 12, 60)]
    done = clear(three, QUARTER, BY, TARIFF)
    assert done.price_utok_per_kwh == clear(two, QUARTER, BY, TARIFF).price_utok_per_kwh == 11
    assert done.left_out == ((b"\x02", Reason.LIMIT.value),)


def test_what_is_scarce_is_shared_by_the_communitys_rule() -> None:
    """Pro rata with the remainder's ties to the lower place, or first in first out."""
    bids = [bid(0, BUY, 30, 50), bid(1, BUY, 30, 50), bid(2, BUY, 30, 50), bid(3, SELL, 0, 100)]
    for sharing, shares in (
        (SharingRule.PRO_RATA, [34, 33, 33]),
        (SharingRule.FIRST_IN_FIRST_OUT, [50, 50]),
    ):
        done = clear(bids, QUARTER, rules(ClearingRule.SUPPLY_DEMAND, sharing), TARIFF)
        assert [trade.energy_wh for trade in done.trades] == shares


def test_green_energy_goes_where_nothing_else_will_do() -> None:
    """Shares are made apart only where green would not suffice."""
    sells = [bid(0, SELL, 0, 100), bid(1, SELL, 0, 20, green=True)]
    buys = [bid(2, BUY, 30, 60), bid(3, BUY, 30, 60, green=True)]
    done = clear([*sells, *buys], QUARTER, BY, TARIFF)
    assert [(t.seller, t.buyer, t.energy_wh) for t in done.trades] == [(0, 2, 60), (1, 3, 20)]
    plenty = [sells[0], replace(sells[1], energy_wh=100), *buys]
    done = clear(plenty, QUARTER, BY, TARIFF)
    assert [(t.seller, t.buyer, t.energy_wh) for t in done.trades] == [(0, 2, 60), (1, 3, 60)]


def test_fees_that_leave_no_price_between_leave_no_trade() -> None:
    """Everybody is better off with the grid then, and each bid is told so."""
    bids = [bid(0, SELL, 0, 10), bid(1, BUY, 30, 10)]
    dear = replace(TARIFF, feed_in_utok_per_kwh=18)
    done = clear(bids, QUARTER, BY, dear)
    assert not done.trades
    assert {reason for _, reason in done.left_out} == {Reason.NO_ROOM.value}


def test_preferred_neighbours_deal_with_each_other_first() -> None:
    """Mutual wishes before a buyer's, a buyer's before a seller's; the amounts stay."""
    sells = [bid(0, SELL, 0, 10), bid(1, SELL, 0, 10), bid(2, SELL, 0, 10)]
    buys = [bid(3, BUY, 30, 10), bid(4, BUY, 30, 10), bid(5, BUY, 30, 10)]

    def pairs(**wishes: tuple[int, ...]) -> list[tuple[int, int]]:
        bids = [replace(o, preferred=wishes.get(f"of_{o.home}", ())) for o in [*sells, *buys]]
        return [(t.seller, t.buyer) for t in clear(bids, QUARTER, BY, TARIFF).trades]

    assert pairs() == [(0, 3), (1, 4), (2, 5)]
    assert pairs(of_4=(0,)) == [(0, 4), (1, 3), (2, 5)]
    assert pairs(of_2=(3,)) == [(0, 4), (1, 5), (2, 3)]
    assert pairs(of_4=(0,), of_5=(0,), of_0=(5,)) == [(0, 5), (1, 3), (2, 4)]
    assert pairs(of_4=(0,), of_0=(5,)) == [(0, 4), (1, 3), (2, 5)]
