"""The plan's deposits are enough at every moment of the day, and no more than the peak."""

from __future__ import annotations

import pytest

from protocol.units import amount_ntok
from wattlane.demo.plan import plan_day
from wattlane.errors import BadChoice
from wattlane.readings import DEFAULT_DAY, PREFERRED_HOMES, built_in_street

PRICE = 200_000


@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_no_payment_of_the_day_exceeds_a_capacity(count: int) -> None:
    plan = plan_day(built_in_street(PREFERRED_HOMES[:count], DEFAULT_DAY), PRICE)
    left = {}
    for channel in plan.channels:
        left[channel.opener, channel.peer] = channel.opener_need_ntok
        left[channel.peer, channel.opener] = channel.peer_need_ntok
    lowest = dict(left)
    for interval in plan.intervals:
        for trade in interval.trades:
            paid = amount_ntok(trade.energy_wh, PRICE)
            left[trade.buyer, trade.seller] -= paid
            left[trade.seller, trade.buyer] += paid
            way = trade.buyer, trade.seller
            lowest[way] = min(lowest[way], left[way])
    assert min(lowest.values()) == 0
    for channel in plan.channels:
        assert lowest[channel.opener, channel.peer] == 0  # enough, and not more
        assert channel.opener_need_ntok >= channel.peer_need_ntok
        assert 0 < channel.first_deposit_ntok <= channel.opener_need_ntok


def test_there_is_one_channel_for_each_pair_that_trades() -> None:
    plan = plan_day(built_in_street(PREFERRED_HOMES[:6], DEFAULT_DAY), PRICE)
    trading = {
        frozenset((trade.buyer, trade.seller))
        for interval in plan.intervals
        for trade in interval.trades
    }
    assert {channel.pair for channel in plan.channels} == trading
    assert len(plan.channels) == len(trading)


def test_the_home_that_disappears_only_buys() -> None:
    plan = plan_day(built_in_street(PREFERRED_HOMES[:4], DEFAULT_DAY), PRICE)
    assert plan.vanishing == "h17"
    assert plan.totals["h17"].sold_wh == 0
    assert any("h17" in channel.pair for channel in plan.channels)


def test_two_homes_are_too_few_for_one_to_disappear() -> None:
    assert plan_day(built_in_street([9, 17], DEFAULT_DAY), PRICE).vanishing is None


def test_a_homes_energy_goes_to_neighbours_or_grid_and_none_is_lost() -> None:
    plan = plan_day(built_in_street(PREFERRED_HOMES[:4], DEFAULT_DAY), PRICE)
    assert sum(one.bought_wh for one in plan.totals.values()) == plan.matched_wh == 28_558
    assert sum(one.sold_wh for one in plan.totals.values()) == plan.matched_wh
    for home in plan.homes:
        net = sum(dict(interval.net_wh)[home] for interval in plan.intervals)
        one = plan.totals[home]
        assert net == one.sold_wh + one.to_grid_wh - one.bought_wh - one.from_grid_wh


def test_a_night_without_sun_has_nothing_to_trade() -> None:
    with pytest.raises(BadChoice, match="nothing to trade"):
        plan_day(built_in_street([2, 8, 9, 17], DEFAULT_DAY, (0, 4)), PRICE)
