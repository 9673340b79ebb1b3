"""The uniform price is one at which nobody wants another deal."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from energy.clearing.bidders import bidders
from energy.clearing.clear import clear
from energy.clearing.trades import Bid, Clearing
from energy.community.rules import ClearingRule, SharingRule, Side
from tests.energy.clearing.street import QUARTER, TARIFF, bid, rest_wh, rules, streets

SELL, BUY = Side.SELL, Side.BUY
BY = rules(ClearingRule.UNIFORM)


def worst_deals(bids: list[Bid], done: Clearing) -> dict[bytes, int]:
    """The least that each seller would sell a Wh more or elsewhere for, the most that each buyer
    would pay for one: its limit where energy is left, else the worst price that it has."""
    rest = rest_wh(bids, done)
    worst = {}
    for one in bids:
        prices = [
            trade.price_utok_per_kwh
            for trade in done.trades
            if one.order in (trade.sell_order, trade.buy_order)
        ]
        prices += [one.limit_utok_per_kwh] if rest[one.order] else []
        worst[one.order] = min(prices) if one.side is SELL else max(prices)
    return worst


@settings(max_examples=300)
@given(streets(), st.sampled_from(SharingRule))
def test_no_two_would_undo_what_they_have_for_a_deal_of_their_own(
    bids: list[Bid], sharing: SharingRule
) -> None:
    """Whatever price they agreed on, one of the two would not be better off; green included."""
    done = clear(bids, QUARTER, rules(ClearingRule.UNIFORM, sharing), TARIFF)
    taking_part = bidders(bids)
    worst = worst_deals([*taking_part.sells, *taking_part.buys], done)
    for sell in taking_part.sells:
        for buy in taking_part.buys:
            if sell.is_green or not buy.green_only:
                assert worst[sell.order] >= worst[buy.order]


@settings(max_examples=150)
@given(streets())
def test_as_much_is_traded_as_limits_allow_at_any_one_price(bids: list[Bid]) -> None:
    """Without green, no other price moves more."""
    plain = [bid(b.place, b.side, b.limit_utok_per_kwh, b.energy_wh, home=b.home) for b in bids]
    done = clear(plain, QUARTER, BY, TARIFF)
    taking_part = bidders(plain)
    most = max(
        min(
            sum(o.energy_wh for o in taking_part.sells if o.limit_utok_per_kwh <= price),
            sum(o.energy_wh for o in taking_part.buys if o.limit_utok_per_kwh >= price),
        )
        for price in range(23)
    )
    assert done.traded_wh == most


def test_bids_at_the_price_share_what_is_left() -> None:
    """Those that ask less sell all."""
    bids = [
        bid(0, SELL, 10, 30),
        bid(1, SELL, 10, 30),
        bid(2, SELL, 5, 30),
        bid(3, BUY, 15, 51),
    ]
    for sharing, shares in (
        (SharingRule.PRO_RATA, {0: 11, 1: 10, 2: 30}),
        (SharingRule.FIRST_IN_FIRST_OUT, {0: 21, 2: 30}),
    ):
        done = clear(bids, QUARTER, rules(ClearingRule.UNIFORM, sharing), TARIFF)
        assert done.price_utok_per_kwh == 10
        assert {trade.seller: trade.energy_wh for trade in done.trades} == shares


def test_scarce_green_energy_has_a_price_of_its_own() -> None:
    """Buyers of green alone bid it up; the others pay what the others ask."""
    bids = [
        bid(0, SELL, 5, 10, green=True),
        bid(1, SELL, 5, 30),
        bid(2, BUY, 15, 20, green=True),
        bid(3, BUY, 15, 20),
    ]
    done = clear(bids, QUARTER, BY, TARIFF)
    found = [(t.seller, t.buyer, t.energy_wh, t.price_utok_per_kwh) for t in done.trades]
    assert found == [(0, 2, 10, 15), (1, 3, 20, 5)]
    assert done.price_utok_per_kwh == 0
