"""One interval's clearing from all that bears on it: orders, meters, limits, and who can pay whom.

Pure. What an order comes to is cut step by step, and each cut leaves its reason: bids (the order,
the meter, budget and balances), the community's limits, the clearing, what feeders carry, and at
last what the channels can still carry of all that a trade may come to cost (liabilities.py): its
price, both sides' fees, and what a side owes that is short. In a mesh open channels
are used first: after the neighbours that its order names, a buyer prefers those whom it can pay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from energy.clearing.clear import clear
from energy.clearing.collection import collection_paused
from energy.clearing.trades import Bid, Clearing, Trade
from energy.community.community import Community
from energy.community.limits import trades_within_limits, within_limits
from energy.community.members import Member
from energy.community.rules import Rules, Side, Tariff, Timing, Topology
from energy.intervals import Interval
from energy.market.liabilities import worst_of
from energy.market.purses import Purses
from energy.orders.bidding import Room, bids, net_wh
from energy.orders.book import Placed
from energy.settlement.dues import Due, Pair
from energy.settlement.flows import Metered

NO_CHANNEL = "no channel between buyer and seller has the balance for it"
NO_FEES = "the {side}'s channel with the community's account has no balance for its fees"
NO_SHORTFALL = "no channel has the balance for what the seller would owe if it were short"


@dataclass(frozen=True, slots=True)
class Means:
    """Who can pay whom. `owed`: dues of settled intervals, and of what was cleared ahead and is not
    settled yet; `spent_ntok`: by home, of the day, likewise."""

    purses: Purses
    owed: Mapping[Pair, Due]
    spent_ntok: Mapping[int, int]


def clear_round(
    standing: Sequence[Placed],
    interval: Interval,
    shown: Mapping[int, Metered],
    community: Community,
    rules: Rules,
    means: Means,
) -> Clearing:
    """The clearing. `shown`: what each home's meter shows, or is expected to, for the interval.

    `left_out` names each order that was cut or made no trade, with each reason, by place.
    """
    with collection_paused():
        return _clear_round(standing, interval, shown, community, rules, means)


class _Free(dict[int, dict[int, int]]):
    """What each payer can still come to owe each payee, ntok: each is asked once a round."""

    def __init__(self, means: Means) -> None:
        super().__init__()
        self._purses = means.purses
        self._owed: defaultdict[int, dict[int, Due]] = defaultdict(dict)
        for (payer, payee), due in means.owed.items():
            self._owed[payer][payee] = due

    def __missing__(self, payer: int) -> dict[int, int]:
        found = self[payer] = self._purses.free_of(payer, self._owed.get(payer, {}))
        return found


def _clear_round(
    standing: Sequence[Placed],
    interval: Interval,
    shown: Mapping[int, Metered],
    community: Community,
    rules: Rules,
    means: Means,
) -> Clearing:
    tariff, free = community.tariff_at(interval.start_ms), _Free(means)
    rooms = _rooms(shown, community, rules, means, free)
    offered = bids(standing, rooms, rules, tariff)
    limited = within_limits(offered.bids, interval, community)
    able = limited.bids
    if rules.topology is Topology.MESH:
        sellers = {bid.home for bid in able if bid.side is Side.SELL}
        able = tuple(_over_open_channels(bid, sellers, free) for bid in able)
    cleared = trades_within_limits(clear(able, interval, rules, tariff), community)
    paid, unpaid = _payable(cleared.trades, tariff, rules, community.account, free)
    reasons = [*offered.left_out, *limited.left_out, *cleared.left_out, *unpaid]
    return replace(
        cleared,
        trades=paid,
        price_utok_per_kwh=cleared.price_utok_per_kwh if paid else 0,
        left_out=_by_place(reasons, standing),
    )


def _rooms(
    shown: Mapping[int, Metered],
    community: Community,
    rules: Rules,
    means: Means,
    free: _Free,
) -> dict[int, Room]:
    members: dict[int, Member] = {one.account: one for one in community.members}
    rooms, hub = {}, community.account
    in_mesh, is_ahead = rules.topology is Topology.MESH, rules.timing is Timing.AHEAD
    for home, meter in shown.items():
        surplus_wh, deficit_wh = net_wh(meter)
        balance_ntok, mine = 0, free[home]
        if deficit_wh or is_ahead:  # else it buys nothing, and is short of nothing
            strangers = set(mine).difference(members if in_mesh else (hub,))
            balance_ntok = sum(mine.values()) - sum(mine[payee] for payee in strangers)
        rooms[home] = Room(
            surplus_wh,
            deficit_wh,
            balance_ntok,
            means.spent_ntok.get(home, 0),
            mine.get(hub, 0) if in_mesh else None,
            is_green=members[home].is_green,
        )
    return rooms


def _over_open_channels(bid: Bid, sellers: set[int], free: _Free) -> Bid:
    """A buyer's bid that also prefers whom it has a channel with, the most balance first.

    `sellers`: all whom there is something to buy from.
    """
    if bid.side is Side.SELL or not sellers:
        return bid
    mine = free[bid.home]
    payees = (mine.keys() & sellers).difference(bid.preferred)
    able = sorted((-mine[payee], payee) for payee in payees if mine[payee])
    return replace(bid, preferred=(*bid.preferred, *(payee for _, payee in able)))


def _payable(
    trades: Sequence[Trade], tariff: Tariff, rules: Rules, hub: int, free: _Free
) -> tuple[tuple[Trade, ...], list[tuple[bytes, str]]]:
    """The trades in their order, each cut to what its channels can still carry of its worst, which
    is taken from what is free."""
    kept: list[Trade] = []
    reasons: list[tuple[bytes, str]] = []
    for trade in trades:
        worst = worst_of(trade, tariff, rules, hub)
        energy_wh, why = trade.energy_wh, ""
        for pair, each in worst.items():
            covered_wh = free[pair[0]].get(pair[1], 0) // each
            if energy_wh > covered_wh:
                energy_wh, why = covered_wh, _why_not(pair, trade, rules.topology)
        if energy_wh:
            for (payer, payee), each in worst.items():
                free[payer][payee] -= energy_wh * each
            kept.append(replace(trade, energy_wh=energy_wh))
        if why:
            said = f"{energy_wh} of {trade.energy_wh} Wh: {why}"
            reasons += [(trade.sell_order, said), (trade.buy_order, said)]
    return tuple(kept), reasons


def _why_not(pair: Pair, trade: Trade, topology: Topology) -> str:
    """What a channel that has too little was needed for."""
    payer, payee = pair
    if topology is Topology.MESH and payee not in (trade.buyer, trade.seller):
        return NO_FEES.format(side="buyer" if payer == trade.buyer else "seller")
    if payer == trade.seller or payee == trade.buyer:
        return NO_SHORTFALL
    return NO_CHANNEL


def _by_place(
    reasons: Iterable[tuple[bytes, str]], standing: Sequence[Placed]
) -> tuple[tuple[bytes, str], ...]:
    of_order: dict[bytes, list[str]] = {}
    for order, reason in reasons:
        of_order.setdefault(order, []).append(reason)
    return tuple(
        (placed.name, reason)
        for placed in standing
        for reason in dict.fromkeys(of_order.get(placed.name, ()))
    )
