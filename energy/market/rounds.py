"""One interval's clearing from all that bears on it: orders, meters, limits, and who can pay whom.

Pure. What an order comes to is cut step by step, and each cut leaves its reason: bids (the order,
the meter, budget and balance), the community's limits, the clearing, what feeders carry, and at
last what the channels between the two sides of each trade can still carry. In a mesh open channels
are used first: after the neighbours that its order names, a buyer prefers those whom it can pay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from energy.clearing.clear import clear
from energy.clearing.supply_demand import fees_of
from energy.clearing.trades import Bid, Clearing, Trade
from energy.community.community import Community
from energy.community.limits import trades_within_limits, within_limits
from energy.community.members import Member
from energy.community.rules import Rules, Side, Tariff, Topology
from energy.intervals import Interval
from energy.market.purses import Purses
from energy.orders.bidding import Room, bids, net_wh
from energy.orders.book import Placed
from energy.settlement.dues import Due, Pair
from energy.settlement.flows import Metered

NO_CHANNEL = "no channel between buyer and seller has the balance for it"


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
    tariff = community.tariff_at(interval.start_ms)
    rooms = _rooms(shown, community, rules.topology, means)
    offered = bids(standing, rooms, rules, tariff)
    limited = within_limits(offered.bids, interval, community)
    able = limited.bids
    if rules.topology is Topology.MESH:
        able = tuple(_over_open_channels(bid, means) for bid in limited.bids)
    cleared = trades_within_limits(clear(able, interval, rules, tariff), community)
    paid, unpaid = _payable(cleared.trades, tariff, community.account, rules.topology, means)
    reasons = [*offered.left_out, *limited.left_out, *cleared.left_out, *unpaid]
    return replace(
        cleared,
        trades=paid,
        price_utok_per_kwh=cleared.price_utok_per_kwh if paid else 0,
        left_out=_by_place(reasons, standing),
    )


def _rooms(
    shown: Mapping[int, Metered], community: Community, topology: Topology, means: Means
) -> dict[int, Room]:
    members: dict[int, Member] = {one.account: one for one in community.members}
    rooms = {}
    for home, meter in shown.items():
        surplus_wh, deficit_wh = net_wh(meter)
        rooms[home] = Room(
            surplus_wh,
            deficit_wh,
            _balance_ntok(home, members, community.account, topology, means),
            means.spent_ntok.get(home, 0),
            is_green=members[home].is_green,
        )
    return rooms


def _balance_ntok(
    home: int, members: Iterable[int], hub: int, topology: Topology, means: Means
) -> int:
    if topology is Topology.HUB:
        return means.purses.free_ntok((home, hub), means.owed)
    payees = means.purses.payees_of(home) & set(members)
    return sum(means.purses.free_ntok((home, payee), means.owed) for payee in payees)


def _over_open_channels(bid: Bid, means: Means) -> Bid:
    """A buyer's bid that also prefers whom it has a channel with, the most balance first."""
    if bid.side is Side.SELL:
        return bid
    free = {
        payee: means.purses.free_ntok((bid.home, payee), means.owed)
        for payee in means.purses.payees_of(bid.home).difference(bid.preferred)
    }
    able = sorted((payee for payee in free if free[payee]), key=lambda one: (-free[one], one))
    return replace(bid, preferred=(*bid.preferred, *able))


def _payable(
    trades: Sequence[Trade], tariff: Tariff, hub: int, topology: Topology, means: Means
) -> tuple[tuple[Trade, ...], list[tuple[bytes, str]]]:
    """The trades in their order, each cut to what its channels can still carry."""
    buyer_fees = fees_of(Side.BUY, tariff)
    free: dict[Pair, int] = {}
    kept: list[Trade] = []
    reasons: list[tuple[bytes, str]] = []
    for trade in trades:
        costs = costs_of(trade, buyer_fees, hub, topology)
        energy_wh = trade.energy_wh
        for pair, cost in costs.items():
            if pair[0] == pair[1]:
                continue
            if pair not in free:
                free[pair] = means.purses.free_ntok(pair, means.owed)
            energy_wh = min(energy_wh, free[pair] // cost) if cost else energy_wh
        for pair, cost in costs.items():
            if pair in free:
                free[pair] -= energy_wh * cost
        if energy_wh:
            kept.append(replace(trade, energy_wh=energy_wh))
        if energy_wh < trade.energy_wh:
            said = f"{energy_wh} of {trade.energy_wh} Wh: {NO_CHANNEL}"
            reasons += [(trade.sell_order, said), (trade.buy_order, said)]
    return tuple(kept), reasons


def costs_of(trade: Trade, buyer_fees: int, hub: int, topology: Topology) -> dict[Pair, int]:
    """What each Wh of a trade costs, ntok, by who pays whom over a channel."""
    price = trade.price_utok_per_kwh
    if topology is Topology.HUB:
        return {(trade.buyer, hub): price + buyer_fees, (hub, trade.seller): price}
    return {(trade.buyer, trade.seller): price}


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
