"""What an order comes to in an interval, and why to nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from energy.clearing.clear import clear
from energy.clearing.reasons import Reason
from energy.community.rules import DeviationRule, Fee, FeeKind, Rules, Side, Tariff, Timing
from energy.orders.bidding import CUTS, Offered, Room, Unfit, bids, net_wh
from energy.orders.order import Order
from energy.settlement.flows import Metered
from tests.energy.orders.household import BERLIN, QUARTER, book_of, name_of, order

SELL, BUY = Side.SELL, Side.BUY
TARIFF = Tariff(0, 300, 80, (Fee(FeeKind.GRID, 50, BUY), Fee(FeeKind.COMMUNITY, 10, SELL)))
RULES = Rules(1, 0)
RICH = Room(surplus_wh=0, deficit_wh=0, balance_ntok=10**9)


def offered(orders: list[Order], rules: Rules = RULES, **rooms: Room) -> Offered:
    """What these orders offer. `rooms`: home_1=..., and so on."""
    by_home = {int(name.removeprefix("home_")): room for name, room in rooms.items()}
    return bids(book_of(*orders).standing(QUARTER, BERLIN), by_home, rules, TARIFF)


def quantities(found: Offered) -> list[int]:
    """Wh of each bid."""
    return [bid.energy_wh for bid in found.bids]


def test_limits_are_what_a_kwh_brings_or_costs_with_the_fees() -> None:
    """A bid has them without; no limit is the grid's price."""
    room = replace(RICH, surplus_wh=100)
    need = replace(RICH, deficit_wh=100)
    found = offered(
        [
            order(1, SELL, limit_utok_per_kwh=90),
            order(2, SELL),
            order(3, BUY, limit_utok_per_kwh=250),
            order(4, BUY),
        ],
        home_1=room,
        home_2=room,
        home_3=need,
        home_4=need,
    )
    assert [bid.limit_utok_per_kwh for bid in found.bids] == [100, 90, 200, 250]
    assert [bid.place for bid in found.bids] == [0, 1, 2, 3]


def test_what_a_home_took_and_gave_it_has_to_itself_first() -> None:
    """So it is a seller or a buyer, never both."""
    metered = Metered(1, QUARTER, 30, 100, b"", b"")
    assert net_wh(metered) == (70, 0)
    assert net_wh(replace(metered, import_wh=130)) == (0, 30)


def test_orders_of_a_home_share_what_its_meter_shows() -> None:
    """The earlier one first; the last gets what is left, or nothing."""
    found = offered(
        [order(1, SELL, 1, energy_wh=60), order(1, SELL, 2), order(1, SELL, 3)],
        home_1=replace(RICH, surplus_wh=100, is_green=True),
    )
    assert quantities(found) == [60, 40]
    assert all(bid.is_green for bid in found.bids)
    assert [reason for _, reason in found.left_out] == [Unfit.NO_SURPLUS.value]


@pytest.mark.parametrize(
    ("wanted", "room", "wh"),
    [
        ({}, {"deficit_wh": 100}, 100),
        ({"energy_wh": 70}, {"deficit_wh": 100}, 70),
        ({"energy_wh": 170}, {"deficit_wh": 100}, 100),
        ({}, {"deficit_wh": 0}, Unfit.NO_DEFICIT),
        ({}, {"deficit_wh": 100, "most_buy_wh": 90}, 90),
        ({}, {"deficit_wh": 100, "most_buy_wh": 0}, Unfit.LIMITED),
        ({"limit_utok_per_kwh": 49}, {"deficit_wh": 100}, Unfit.FEES),
        ({"budget_ntok": 30_000}, {"deficit_wh": 200}, 100),
        ({"budget_ntok": 30_000}, {"deficit_wh": 200, "spent_ntok": 29_000}, 3),
        ({"budget_ntok": 30_000}, {"deficit_wh": 200, "spent_ntok": 29_701}, Unfit.BUDGET),
        ({"budget_ntok": 30_000}, {"deficit_wh": 200, "spent_ntok": 50_000}, Unfit.BUDGET),
        ({}, {"deficit_wh": 100, "balance_ntok": 2_999}, 9),
        ({}, {"deficit_wh": 100, "balance_ntok": 299}, Unfit.BALANCE),
        ({}, {"deficit_wh": 100, "refused": "only a retailer may sell here"}, "only a retailer"),
    ],
)
def test_what_a_buyer_bids_for(
    wanted: dict[str, Any], room: dict[str, Any], wh: int | Unfit | str
) -> None:
    """At most what it needs, may, and can pay for at its own limit."""
    found = offered([order(1, BUY, **wanted)], home_1=replace(RICH, **room))
    if isinstance(wh, int):
        assert quantities(found) == [wh]
        is_cut = "budget_ntok" in wanted or "balance_ntok" in room
        assert len(found.left_out) == is_cut
        assert all(
            why.startswith(f"{wh} of {room['deficit_wh']} Wh: ") for _, why in found.left_out
        )
    else:
        reason = wh.value if isinstance(wh, Unfit) else wh
        assert not found.bids
        assert found.left_out[0][0] == name_of(order(1, BUY, **wanted))
        assert found.left_out[0][1].startswith(reason)


AHEAD = replace(RULES, timing=Timing.AHEAD, short_utok_per_kwh=400)
FEES, SHORT = Unfit.FEE_BALANCE, Unfit.SHORTFALL


@pytest.mark.parametrize(
    ("side", "rules", "money", "wh"),
    [
        (BUY, RULES, {"balance_ntok": 25_000, "fees_ntok": 5_000}, 100),
        (BUY, RULES, {"balance_ntok": 24_999, "fees_ntok": 5_000}, (99, Unfit.BALANCE)),
        (BUY, RULES, {"balance_ntok": 25_000, "fees_ntok": 4_999}, (99, FEES)),
        (BUY, RULES, {"balance_ntok": 10**9, "fees_ntok": 49}, FEES),
        (SELL, RULES, {"balance_ntok": 0, "fees_ntok": None}, 100),
        (SELL, RULES, {"balance_ntok": 0, "fees_ntok": 1_000}, 100),
        (SELL, RULES, {"balance_ntok": 0, "fees_ntok": 999}, (99, FEES)),
        (SELL, RULES, {"balance_ntok": 10**9, "fees_ntok": 0}, FEES),
        (SELL, AHEAD, {"balance_ntok": 40_000, "fees_ntok": 1_000}, 100),
        (SELL, AHEAD, {"balance_ntok": 39_999, "fees_ntok": 1_000}, (99, SHORT)),
        (SELL, AHEAD, {"balance_ntok": 39_999, "fees_ntok": None}, (99, SHORT)),
        (SELL, AHEAD, {"balance_ntok": 399, "fees_ntok": 1_000}, SHORT),
        (BUY, AHEAD, {"balance_ntok": 39_999, "fees_ntok": 5_000}, (99, SHORT)),
        (BUY, AHEAD, {"balance_ntok": 40_000, "fees_ntok": None}, 100),
        (
            SELL,
            replace(AHEAD, deviation=DeviationRule.EACH_ITS_OWN),
            {"balance_ntok": 0, "fees_ntok": 1_000},
            100,
        ),
    ],
)
def test_a_bid_is_for_what_its_home_can_pay_the_worst_of(
    side: Side, rules: Rules, money: dict[str, Any], wh: int | tuple[int, Unfit] | Unfit
) -> None:
    """The price, its own side's fees, and what it would owe if it were short."""
    room = replace(RICH, surplus_wh=100, deficit_wh=100, **money)
    found = offered([order(1, side)], rules, home_1=room)
    reasons = [reason for _, reason in found.left_out]
    match wh:
        case Unfit():
            assert (quantities(found), reasons) == ([], [wh.value])
        case (covered_wh, unfit):
            cut = f"{covered_wh} of 100 Wh: {CUTS[unfit]}"
            assert (quantities(found), reasons) == ([covered_wh], [cut])
        case _:
            assert (quantities(found), reasons) == ([wh], [])


def test_two_orders_do_not_pay_two_fees_or_shortfalls_with_one_balance() -> None:
    """A home that sells and buys, each ahead, keeps what the first may owe from the second."""
    orders = [order(1, SELL, 1, energy_wh=60), order(1, BUY, 2, energy_wh=60)]
    room = replace(RICH, balance_ntok=60 * 400 + 10 * 400, fees_ntok=10**9)
    assert quantities(offered(orders, AHEAD, home_1=room)) == [60, 10]
    room = replace(RICH, balance_ntok=10**9, fees_ntok=60 * 10 + 7 * 50)
    assert quantities(offered(orders, AHEAD, home_1=room)) == [60, 7]


def test_a_seller_bids_within_its_limits() -> None:
    """And not at all where they leave nothing."""
    room = replace(RICH, surplus_wh=100, most_sell_wh=90)
    found = offered([order(1, SELL, 1, energy_wh=80), order(1, SELL, 2)], home_1=room)
    assert quantities(found) == [80, 10]
    none_at_all = offered([order(1, SELL)], home_1=replace(room, most_sell_wh=0))
    assert none_at_all.left_out == ((name_of(order(1, SELL)), Unfit.LIMITED.value),)


def test_two_orders_do_not_buy_one_need_or_limit_twice() -> None:
    """The second bids for what the first leaves of both."""
    orders = [order(1, BUY, 1, energy_wh=60), order(1, BUY, 2)]
    need = replace(RICH, deficit_wh=100)
    assert quantities(offered(orders, home_1=need)) == [60, 40]
    assert quantities(offered(orders, home_1=replace(need, most_buy_wh=90))) == [60, 30]
    assert quantities(offered(orders, home_1=replace(need, deficit_wh=60))) == [60]


def test_two_orders_do_not_spend_one_balance_or_budget_twice() -> None:
    """What the first may need is kept from the second."""
    orders = [order(1, BUY, 1, energy_wh=60), order(1, BUY, 2)]
    room = replace(RICH, deficit_wh=200, balance_ntok=30_000)
    assert quantities(offered(orders, home_1=room)) == [60, 40]
    orders = [replace(one, budget_ntok=30_000) for one in orders]
    room = replace(room, balance_ntok=10**9)
    assert quantities(offered(orders, home_1=room)) == [60, 40]


def test_without_a_verified_reading_there_is_no_bid() -> None:
    """The clearing says so."""
    found = offered([order(1, SELL)])
    assert found.left_out == ((name_of(order(1, SELL)), Unfit.NO_READING.value),)


def test_ahead_an_order_promises_what_it_says() -> None:
    """Whatever is expected; and for "all", what is expected."""
    orders = [order(1, SELL, energy_wh=500), order(2, SELL)]
    ahead = replace(RULES, timing=Timing.AHEAD)
    room = replace(RICH, surplus_wh=100)
    assert quantities(offered(orders, ahead, home_1=room, home_2=room)) == [500, 100]
    assert quantities(offered(orders, RULES, home_1=room, home_2=room)) == [100, 100]


def test_each_order_that_stands_is_in_a_trade_or_left_out_with_a_reason() -> None:
    """The bids' reasons and the clearing's together name all the others, once each."""
    orders = [
        order(1, BUY, limit_utok_per_kwh=100),
        order(2, SELL),
        order(3, SELL),
        order(4, BUY),
        order(5, BUY, green_only=True),
    ]
    need = replace(RICH, deficit_wh=50)
    found = offered(
        orders,
        home_1=replace(RICH, deficit_wh=10),
        home_2=replace(RICH, surplus_wh=50),
        home_4=need,
        home_5=need,
    )
    done = clear(found.bids, QUARTER, RULES, TARIFF)
    # from 90 to 250, and 100 Wh are wanted of the 150 that stand: 90 + 160 * 100 / 150
    assert done.price_utok_per_kwh == 196
    assert [(t.seller, t.buyer, t.energy_wh) for t in done.trades] == [(2, 4, 50)]
    assert found.left_out == ((name_of(orders[2]), Unfit.NO_READING.value),)
    assert done.left_out == (
        (name_of(orders[0]), Reason.LIMIT.value),
        (name_of(orders[4]), Reason.NO_GREEN.value),
    )
