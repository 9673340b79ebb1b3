"""From settlements to payments: what each account owes each other one, and what to pay now.

Dues are cumulative, as lanes are: all that one account has ever come to owe another, in ntok, and
the Wh that this pays for. What is paid is read from the channel's lanes, never counted beside
them, so a payment that was repeated, lost or made by hand changes nothing: only the difference is
paid. Grid purchases and feed-in are the supplier's business and no due of a channel. Grid fees and
taxes are due to the community's account, which hands them on.

- MESH: homes owe each other for trades and deviations, and the community for fees.
- HUB: a buyer owes the community, and the community owes the seller, less the seller's fees.

While an interval runs, its running settlement (the clearing over the readings so far) stands for
it; at the interval's end the settlement takes its place. So a due may fall: then nothing is paid
until it has caught up, or, when trueing up, what is too much is paid back on the other lane.

A Wh counts in a due once, where delivered energy is paid for: a deviation is money alone, and in a
hub so are fees. In a mesh the community's lanes count the Wh that fees were paid on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from energy.community.rules import Topology
from energy.intervals import Interval
from energy.settlement.flows import Flow, FlowKind, Settlement
from energy.settlement.revise import flows_of

Pair = tuple[int, int]
"""(payer, payee), account indices."""

GRID_KINDS = (FlowKind.GRID_PURCHASE, FlowKind.GRID_FEED_IN)
"""The supplier's, which no channel pays."""
FEE_KINDS = (FlowKind.GRID_FEE, FlowKind.COMMUNITY_FEE, FlowKind.TAX)


@dataclass(frozen=True, slots=True)
class Due:
    """Energy and money, cumulative or a difference of two; a difference may be negative."""

    energy_wh: int = 0
    amount_ntok: int = 0

    def __add__(self, other: Due) -> Due:
        return Due(self.energy_wh + other.energy_wh, self.amount_ntok + other.amount_ntok)

    def __sub__(self, other: Due) -> Due:
        return Due(self.energy_wh - other.energy_wh, self.amount_ntok - other.amount_ntok)


NOTHING = Due()


@dataclass(frozen=True, slots=True)
class Part:
    """One payment of a channel: its amount is energy times price."""

    energy_wh: int
    price_utok_per_kwh: int


def dues(settlements: Iterable[Settlement], topology: Topology, community: int) -> dict[Pair, Due]:
    """What each account owes another by these settlements together.

    `settlements`: of any number of intervals, each with its adjustments, and running ones, in any
    order. `community`: the community's account. A due is below 0 only where adjustments or a
    seller's fees in a hub take back more than there was.
    """
    chains: defaultdict[Interval, list[Settlement]] = defaultdict(list)
    for settlement in settlements:
        chains[settlement.interval].append(settlement)
    owed: defaultdict[Pair, Due] = defaultdict(Due)
    of = _in_mesh if topology is Topology.MESH else _in_hub
    for chain in chains.values():
        for payer, payee, due in of(flows_of(chain, GRID_KINDS), community):
            if payer != payee:
                owed[payer, payee] += due
    return {pair: due for pair, due in owed.items() if due != NOTHING}


def to_pay(
    owed: Mapping[Pair, Due], paid: Mapping[Pair, Due], pair: Pair, *, trues_up: bool = False
) -> tuple[Part, ...]:
    """What the pair's payer pays its payee now, as payments that a channel can make: at most two.

    `paid`: what the channel's lanes carry each way. `trues_up`: at an interval's end. Then all
    money is paid, and what the payee has paid too much on its own lane is returned; where no energy
    is due to carry the money, 1 Wh goes ahead of its due and is counted against the next. Before
    that, what is too much is left to be used up, and money without energy waits.
    """
    payer, payee = pair
    missing = owed.get(pair, NOTHING) - paid.get(pair, NOTHING)
    theirs = owed.get((payee, payer), NOTHING) - paid.get((payee, payer), NOTHING)
    if trues_up and (missing.amount_ntok < 0 or theirs.amount_ntok < 0):
        missing = missing - theirs
    if missing.amount_ntok <= 0 or (missing.energy_wh <= 0 and not trues_up):
        return ()
    return parts(missing.energy_wh, missing.amount_ntok)


def parts(energy_wh: int, amount_ntok: int) -> tuple[Part, ...]:
    """At most two payments that add up to `amount_ntok` > 0 exactly, and to the energy.

    A payment carries at least 1 Wh at 1 utok per kWh. So no energy is carried by 1 Wh, and of more
    Wh than ntok the rest is left for later.
    """
    energy_wh = max(1, min(energy_wh, amount_ntok))
    price, dearer_wh = divmod(amount_ntok, energy_wh)
    both = (Part(energy_wh - dearer_wh, price), Part(dearer_wh, price + 1))
    return tuple(part for part in both if part.energy_wh)


def _in_mesh(flows: Sequence[Flow], community: int) -> Iterator[tuple[int, int, Due]]:
    """(payer, payee, due) of each flow of an interval that a channel pays."""
    carried = set()
    for flow in flows:
        if not isinstance(flow.payer, int):
            continue
        if flow.kind in FEE_KINDS:
            is_first = (flow.trade, flow.payer) not in carried
            carried.add((flow.trade, flow.payer))
            due = Due(flow.energy_wh if is_first else 0, flow.amount_ntok)
            yield flow.payer, community, due
        elif isinstance(flow.payee, int):
            yield flow.payer, flow.payee, _due(flow)


def _in_hub(flows: Sequence[Flow], community: int) -> Iterator[tuple[int, int, Due]]:
    sellers = {flow.trade: flow.payee for flow in flows if flow.kind is FlowKind.TRADE}
    for flow in flows:
        if not isinstance(flow.payer, int):
            continue
        fee = Due(0, flow.amount_ntok)
        if flow.kind in FEE_KINDS and flow.payer == sellers.get(flow.trade):
            yield community, flow.payer, NOTHING - fee
        elif flow.kind in FEE_KINDS:
            yield flow.payer, community, fee
        elif isinstance(flow.payee, int):
            yield flow.payer, community, _due(flow)
            yield community, flow.payee, _due(flow)


def _due(flow: Flow) -> Due:
    return Due(flow.energy_wh if flow.kind is FlowKind.TRADE else 0, flow.amount_ntok)
