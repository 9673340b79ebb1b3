"""The most that a trade can make each account owe another, before its meters have said anything.

Settlement gives a trade of E Wh, with b Wh borne out by the buyer's meter and s by the seller's,
the price and both sides' fees on min(b, s); and where a side pays the other for what it is short,
that on E - b and on E - s. As min(b, s) is at most b and at most s, what one account owes another
is at most b / E of all that delivery costs it and (E - b) / E of all that being short does: so at
most E times the dearer of the two. What settles with the supplier goes over no channel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from energy.clearing.supply_demand import fees_of
from energy.clearing.trades import Clearing, Trade
from energy.community.rules import DeviationRule, Rules, Side, Tariff, Timing, Topology
from energy.settlement.dues import Due, Pair
from energy.settlement.flows import Settlement, Stage
from energy.settlement.revise import corrected_until_ms


def worst_of(trade: Trade, tariff: Tariff, rules: Rules, hub: int) -> dict[Pair, int]:
    """What each Wh of a trade can cost at most, ntok > 0, by who pays whom over a channel.

    `hub`: the community's account. In a hub a seller's fees are taken from what it is paid.
    """
    price, short = trade.price_utok_per_kwh, rules.shortfall_utok_per_kwh
    buyer_fees, seller_fees = fees_of(Side.BUY, tariff), fees_of(Side.SELL, tariff)
    if rules.topology is Topology.HUB:
        worst = {
            (trade.buyer, hub): max(price + buyer_fees, short),
            (hub, trade.seller): max(price, short),
            (trade.seller, hub): short,
            (hub, trade.buyer): short,
        }
    else:
        worst = {
            (trade.buyer, trade.seller): max(price, short),
            (trade.seller, trade.buyer): short,
            (trade.buyer, hub): buyer_fees,
            (trade.seller, hub): seller_fees,
        }
    return {pair: each for pair, each in worst.items() if each and pair[0] != pair[1]}


def promised(trades: Iterable[Trade], tariff: Tariff, rules: Rules, hub: int) -> dict[Pair, Due]:
    """What is to be kept for these trades until they are settled: the worst of each, added up."""
    kept: defaultdict[Pair, Due] = defaultdict(Due)
    for trade in trades:
        for pair, each in worst_of(trade, tariff, rules, hub).items():
            kept[pair] += Due(trade.energy_wh, trade.energy_wh * each)
    return dict(kept)


def open_trades(
    clearing: Clearing, chain: Sequence[Settlement], rules: Rules, now_ms: int = 0
) -> tuple[Trade, ...]:
    """The trades of which nothing is settled yet, and something may still come to be owed.

    `chain`: the interval's settlements so far. A trade without a reading of both its homes is left
    out of each but the final one, which charges what the rule says; where it would charge nothing,
    the trade is over as soon as no reading can come any more.
    """
    if not chain:
        return clearing.trades
    is_over = now_ms > corrected_until_ms(clearing.interval, rules)
    if chain[-1].stage is Stage.FINAL or (is_over and not _charges_at_last(rules)):
        return ()
    shown = {one.home for one in chain[-1].metered}
    return tuple(one for one in clearing.trades if not {one.seller, one.buyer} <= shown)


def _charges_at_last(rules: Rules) -> bool:
    own = rules.timing is Timing.AHEAD and rules.deviation is DeviationRule.EACH_ITS_OWN
    return own or bool(rules.shortfall_utok_per_kwh)
