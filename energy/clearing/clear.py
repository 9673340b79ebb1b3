"""The clearing of one interval: bids in, trades out, by the community's rules and nothing else.

Integers in and out; the same bids in any order give the same clearing, so anyone can repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from energy.clearing.bidders import bidders
from energy.clearing.collection import collection_paused
from energy.clearing.pay_as_bid import clear_pay_as_bid
from energy.clearing.reasons import Reason
from energy.clearing.supply_demand import clear_supply_demand, price_range
from energy.clearing.trades import Bid, Clearing, Trade
from energy.clearing.uniform import clear_uniform
from energy.community.rules import ClearingRule, Rules, Side, Tariff
from energy.intervals import Interval


def clear(bids: Sequence[Bid], interval: Interval, rules: Rules, tariff: Tariff) -> Clearing:
    """What is traded in an interval. Raises BadBids.

    Limits are prices of the energy alone, without fees. `left_out` names every bid that is in no
    trade, by place, with a Reason's value.
    """
    with collection_paused():
        return _clear(bids, interval, rules, tariff)


def _clear(bids: Sequence[Bid], interval: Interval, rules: Rules, tariff: Tariff) -> Clearing:
    taking_part = bidders(bids)
    price, trades = _by_rule(rules, tariff, taking_part.sells, taking_part.buys)
    traded = {trade.sell_order for trade in trades} | {trade.buy_order for trade in trades}
    why = _reasons(trades, rules, tariff)
    left_out = [(bid.place, bid.order, reason.value) for bid, reason in taking_part.left_out]
    left_out += [
        (bid.place, bid.order, why(bid).value)
        for bid in chain(taking_part.sells, taking_part.buys)
        if bid.order not in traded
    ]
    left_out.sort()
    return Clearing(
        interval,
        rules.version,
        price,
        tuple(trades),
        tuple((order, reason) for _, order, reason in left_out),
    )


def _by_rule(
    rules: Rules, tariff: Tariff, sells: Sequence[Bid], buys: Sequence[Bid]
) -> tuple[int, list[Trade]]:
    match rules.clearing:
        case ClearingRule.UNIFORM:
            return clear_uniform(sells, buys, rules.sharing)
        case ClearingRule.PAY_AS_BID:
            return 0, clear_pay_as_bid(sells, buys)
        case ClearingRule.SUPPLY_DEMAND:
            return clear_supply_demand(sells, buys, rules.sharing, tariff)


def _reasons(trades: Sequence[Trade], rules: Rules, tariff: Tariff) -> Callable[[Bid], Reason]:
    """Why a bid that takes part is in none of these trades."""
    if rules.clearing is ClearingRule.SUPPLY_DEMAND:
        low, high = price_range(tariff)
        if low > high:
            return lambda bid: Reason.NO_ROOM
    prices = [trade.price_utok_per_kwh for trade in trades]
    lowest, highest = (min(prices), max(prices)) if prices else (0, 0)

    def why(bid: Bid) -> Reason:
        limit = bid.limit_utok_per_kwh
        if prices and (limit > highest if bid.side is Side.SELL else limit < lowest):
            return Reason.LIMIT
        return Reason.NO_GREEN if bid.green_only else Reason.NOTHING_LEFT

    return why
