"""A street as if it had traded: its meters' readings, cleared and settled, every home willing.

Each home offers all its surplus and wants all its need at any price between the grid's two. Where
there are channels, each home prefers the neighbours that it has one with, as a household's agent
does in its orders, so pairs come about over open channels first; a pair that trades has a channel
from then on. Preferences choose the neighbour, never the price or the amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from energy.canonical import digest
from energy.clearing.clear import clear
from energy.clearing.supply_demand import price_range
from energy.clearing.trades import Bid
from energy.community.rules import Rules, Side, Tariff
from energy.orders.bidding import net_wh
from energy.settlement.documents import encode_clearing
from energy.settlement.flows import Metered, Settlement
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
    channels_now = set(channels)
    for meters in street:
        interval = meters[0].interval
        bids = _bids(meters, tariff, channels_now if reuses else frozenset())
        cleared = clear(bids, interval, rules, tariff)
        channels_now |= {channel_of(one.seller, one.buyer) for one in cleared.trades}
        yield settle(cleared, meters, rules, tariff, digest(encode_clearing(cleared)))


def _bids(meters: Sequence[Metered], tariff: Tariff, channels: Set[Channel]) -> list[Bid]:
    low, high = price_range(tariff)
    bids = []
    for place, one in enumerate(meters):
        surplus_wh, deficit_wh = net_wh(one)
        side, energy_wh = (Side.SELL, surplus_wh) if surplus_wh else (Side.BUY, deficit_wh)
        peers = tuple(
            other.home for other in meters if channel_of(one.home, other.home) in channels
        )
        limit = low if side is Side.SELL else high
        order = digest(f"{side.value} {one.home}".encode())
        bids.append(Bid(order, one.home, side, limit, energy_wh, place, peers))
    return bids
