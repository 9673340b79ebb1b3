"""A clearing and what the meters showed become who owes whom: only what was metered is paid.

A trade is paid for the smaller of its two sides' shares (deliveries.py). What a home imported or
exported beyond its trades is the supplier's, at the grid's tariff. Each fee is a flow of its own,
on what was delivered. A home without a verified reading has no flow at all: no verified reading,
no payment, either way. What a deviation costs (AHEAD only) the rule says (DeviationRule).

Every flow has a payer and a payee, so an interval's sums of homes, fees and grid are zero; and each
home's import is what it bought, what a deviation covers, and the grid's rest; its export likewise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from energy.clearing.collection import collection_paused
from energy.clearing.trades import Clearing, Trade
from energy.community.rules import DeviationRule, FeeKind, Rules, Side, Tariff, Timing
from energy.errors import MeteredElsewhere, MeteredTwice, RulesDiffer
from energy.settlement.deliveries import Delivery, deliveries
from energy.settlement.flows import Flow, FlowKind, Metered, Outside, Party, Settlement, Stage

FEES: dict[FeeKind, tuple[FlowKind, Outside]] = {
    FeeKind.GRID: (FlowKind.GRID_FEE, Outside.GRID_OPERATOR),
    FeeKind.COMMUNITY: (FlowKind.COMMUNITY_FEE, Outside.COMMUNITY),
    FeeKind.TAX: (FlowKind.TAX, Outside.TAX_OFFICE),
}
"""What kind of flow a fee is, and whose money."""


def settle(
    clearing: Clearing,
    metered: Iterable[Metered],
    rules: Rules,
    tariff: Tariff,
    digest: bytes,
    *,
    is_final: bool = False,
) -> Settlement:
    """Who owes whom for the clearing's interval, as its first settlement (revision 0).

    `digest`: the clearing's (documents.py). `metered`: the homes with a verified reading at both
    ends of the interval, in any order. `is_final`: no reading can come any more, so a home without
    one has shown 0 Wh, and owes what the rule says for its deviations. Flows stand in the order of
    the trades, then the grid's by home. Raises RulesDiffer, MeteredTwice, MeteredElsewhere.
    """
    if clearing.rules_version != rules.version:
        raise RulesDiffer(clearing.rules_version, rules.version)
    with collection_paused():
        return _settle(clearing, metered, rules, tariff, digest, is_final)


def _settle(
    clearing: Clearing,
    metered: Iterable[Metered],
    rules: Rules,
    tariff: Tariff,
    digest: bytes,
    is_final: bool,
) -> Settlement:
    by_home = _by_home(clearing, metered)
    shares = deliveries(clearing.trades, by_home, rules.sharing)
    flows: list[Flow] = []
    covered_in, covered_out = dict.fromkeys(by_home, 0), dict.fromkeys(by_home, 0)
    for place, (trade, share) in enumerate(zip(clearing.trades, shares, strict=True)):
        if not is_final and not {trade.seller, trade.buyer} <= by_home.keys():
            continue
        flows += _trade_flows(place, trade, share, rules, tariff)
        own = rules.timing is Timing.AHEAD and rules.deviation is DeviationRule.EACH_ITS_OWN
        if trade.buyer in by_home:
            covered_in[trade.buyer] += share.buyer_wh if own else share.delivered_wh
        if trade.seller in by_home:
            covered_out[trade.seller] += share.seller_wh if own else share.delivered_wh
    flows += _grid_flows(by_home, covered_in, covered_out, tariff)
    return Settlement(
        clearing.interval,
        digest,
        rules.version,
        0,
        Stage.FINAL if is_final else Stage.PROVISIONAL,
        tuple(by_home.values()),
        tuple(flows),
    )


def _by_home(clearing: Clearing, metered: Iterable[Metered]) -> dict[int, Metered]:
    found: dict[int, Metered] = {}
    for one in sorted(metered, key=lambda one: one.home):
        if one.interval != clearing.interval:
            raise MeteredElsewhere(one.home, one.interval.start_ms, one.interval.end_ms)
        if one.home in found:
            raise MeteredTwice(one.home)
        found[one.home] = one
    return found


def _trade_flows(
    place: int, trade: Trade, share: Delivery, rules: Rules, tariff: Tariff
) -> Iterator[Flow]:
    delivered_wh = share.delivered_wh
    if delivered_wh:
        price = trade.price_utok_per_kwh
        yield _flow(FlowKind.TRADE, trade.buyer, trade.seller, delivered_wh, price, place)
        for fee in tariff.fees:
            kind, whose = FEES[fee.kind]
            payer = trade.buyer if fee.paid_by is Side.BUY else trade.seller
            if fee.utok_per_kwh:
                yield _flow(kind, payer, whose, delivered_wh, fee.utok_per_kwh, place)
    if rules.timing is Timing.AHEAD:
        for debtor, creditor, energy_wh, price in _deviations(trade, share, rules):
            if energy_wh and price:
                yield _flow(FlowKind.DEVIATION, debtor, creditor, energy_wh, price, place)


def _deviations(
    trade: Trade, share: Delivery, rules: Rules
) -> Sequence[tuple[Party, Party, int, int]]:
    """(payer, payee, Wh, price) for what the trade's sides are short."""
    seller_short_wh = trade.energy_wh - share.seller_wh
    buyer_short_wh = trade.energy_wh - share.buyer_wh
    if rules.deviation is DeviationRule.TO_THE_OTHER_SIDE:
        return (
            (trade.seller, trade.buyer, seller_short_wh, rules.short_utok_per_kwh),
            (trade.buyer, trade.seller, buyer_short_wh, rules.short_utok_per_kwh),
        )
    unpaid_wh = trade.energy_wh - share.delivered_wh
    return (
        (trade.buyer, trade.seller, unpaid_wh, trade.price_utok_per_kwh),
        (trade.seller, Outside.SUPPLIER, seller_short_wh, rules.short_utok_per_kwh),
        (Outside.SUPPLIER, trade.buyer, buyer_short_wh, rules.surplus_utok_per_kwh),
    )


def _grid_flows(
    by_home: Mapping[int, Metered],
    covered_in: Mapping[int, int],
    covered_out: Mapping[int, int],
    tariff: Tariff,
) -> Iterator[Flow]:
    for home, meter in by_home.items():
        retail, feed_in = tariff.retail_utok_per_kwh, tariff.feed_in_utok_per_kwh
        taken_wh = meter.import_wh - covered_in[home]
        given_wh = meter.export_wh - covered_out[home]
        if taken_wh:
            yield _flow(FlowKind.GRID_PURCHASE, home, Outside.SUPPLIER, taken_wh, retail)
        if given_wh:
            yield _flow(FlowKind.GRID_FEED_IN, Outside.SUPPLIER, home, given_wh, feed_in)


def _flow(
    kind: FlowKind, payer: Party, payee: Party, energy_wh: int, price: int, trade: int = -1
) -> Flow:
    return Flow(kind, payer, payee, energy_wh, price, energy_wh * price, trade)
