"""A street as if it had traded: its meters' readings, cleared and settled, every home willing.

Each home offers all its surplus and wants all its need at any price between the grid's two. It
prefers the neighbours that it has a channel with, as a market sees to (market/rounds.py), here
those first with whom it has traded the most. A pair that trades has a channel from then on.
Preferences choose the neighbour, never the price or the amount.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from energy.canonical import digest
from energy.clearing.clear import clear
from energy.clearing.supply_demand import price_range
from energy.clearing.trades import Bid, Trade
from energy.community.rules import Rules, SharingRule, Side, Tariff
from energy.orders.bidding import net_wh
from energy.settlement.deliveries import deliveries
from energy.settlement.documents import encode_clearing
from energy.settlement.flows import FlowKind, Metered, Settlement
from energy.settlement.settle import settle
from energy.topology import Channel, channel_of


def trial(
    street: Iterable[Sequence[Metered]],
    rules: Rules,
    tariff: Tariff,
    channels: Set[Channel] = frozenset(),
    *,
    reuses: bool = True,
) -> Iterator[Settlement]:
    """The settlement of each interval, in order.

    `street`: what every home's meter shows in each interval. `channels`: those that are open at the
    beginning. `reuses`: False lets homes trade with whoever comes first.
    """
    traded_wh = dict.fromkeys(channels, 0)
    for meters in street:
        interval = meters[0].interval
        bids = _bids(meters, tariff, _preferences(traded_wh) if reuses else {})
        cleared = clear(bids, interval, rules, tariff)
        for one in cleared.trades:
            channel = channel_of(one.seller, one.buyer)
            traded_wh[channel] = traded_wh.get(channel, 0) + one.energy_wh
        yield settle(cleared, meters, rules, tariff, digest(encode_clearing(cleared)))


def carried_wh(settlement: Settlement, channels: Set[Channel]) -> int:
    """How much of what was traded can be traded over these channels alone: a maximum flow.

    What each home sells and buys in all stays at most what it was; the rest would go to the grid.
    """
    trades = [flow for flow in settlement.flows if flow.kind is FlowKind.TRADE]
    sold: Counter[int] = Counter()
    bought: Counter[int] = Counter()
    for flow in trades:
        assert isinstance(flow.payee, int)
        assert isinstance(flow.payer, int)
        sold[flow.payee] += flow.energy_wh
        bought[flow.payer] += flow.energy_wh
    possible = [
        Trade(seller, buyer, b"", b"", min(sold[seller], bought[buyer]), 0)
        for seller in sold
        for buyer in bought
        if channel_of(seller, buyer) in channels
    ]
    meters = {
        home: Metered(home, settlement.interval, bought[home], sold[home], b"", b"")
        for home in sold | bought
    }
    shares = deliveries(possible, meters, SharingRule.MOST_DELIVERED)
    return sum(share.delivered_wh for share in shares)


def _preferences(traded_wh: Mapping[Channel, int]) -> dict[int, tuple[int, ...]]:
    """Each home's neighbours over open channels, those with the most trade first."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for one, other in sorted(traded_wh, key=lambda channel: (-traded_wh[channel], channel)):
        found[one].append(other)
        found[other].append(one)
    return {home: tuple(others) for home, others in found.items()}


def _bids(
    meters: Sequence[Metered], tariff: Tariff, preferred: Mapping[int, tuple[int, ...]]
) -> list[Bid]:
    low, high = price_range(tariff)
    bids = []
    for place, one in enumerate(meters):
        surplus_wh, deficit_wh = net_wh(one)
        side, energy_wh = (Side.SELL, surplus_wh) if surplus_wh else (Side.BUY, deficit_wh)
        limit = low if side is Side.SELL else high
        order = digest(f"{side.value} {one.home}".encode())
        peers = preferred.get(one.home, ())
        bids.append(Bid(order, one.home, side, limit, energy_wh, place, peers))
    return bids
