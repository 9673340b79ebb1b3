"""What the meters bear out of each trade: the smaller of its two sides counts.

A seller's trades share what it exported, a buyer's what it imported, each side for itself and in
whole Wh, none lost: a side's shares always add up to min(its meter, its trades), whatever the rule.
So the rule decides which trade is short, and never by how much a side is short in all.

- PRO_RATA: in proportion to the trades, by largest remainder, ties to the earlier trade.
- FIRST_IN_FIRST_OUT: the trades in the clearing's order, each as much as is left.
- MOST_DELIVERED: so that all trades together deliver the most that the meters allow. It begins with
  first in first out and moves energy along the shortest chain of trades that gains something, the
  earliest trades first, until none does (a maximum flow). What a side has left over then goes to
  its trades in order.

The first two can leave energy stranded where trades are cross-linked and both sides are short.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from energy.clearing.trades import Trade
from energy.community.rules import SharingRule
from energy.settlement.flows import Metered
from energy.sharing import in_order, largest_remainder

Shares = dict[int, list[int]]
"""The places of each home's trades, in order."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the seller's and the buyer's meter bear out of a trade, Wh, neither above the trade."""

    seller_wh: int
    buyer_wh: int

    @property
    def delivered_wh(self) -> int:
        """What counts: the smaller one."""
        return min(self.seller_wh, self.buyer_wh)


def deliveries(
    trades: Sequence[Trade], metered: Mapping[int, Metered], sharing: SharingRule
) -> tuple[Delivery, ...]:
    """What each trade's two meters bear out, in the order of the trades.

    `metered` by home; a home that is not in it has shown nothing.
    """
    sold, bought = _by_home(trades, _seller), _by_home(trades, _buyer)
    exported = {home: metered[home].export_wh if home in metered else 0 for home in sold}
    imported = {home: metered[home].import_wh if home in metered else 0 for home in bought}
    if sharing is SharingRule.MOST_DELIVERED:
        delivered = _most(trades, sold, bought, exported, imported)
        seller_wh = _topped_up(trades, sold, exported, delivered)
        buyer_wh = _topped_up(trades, bought, imported, delivered)
    else:
        seller_wh = _shared(trades, sold, exported, sharing)
        buyer_wh = _shared(trades, bought, imported, sharing)
    return tuple(Delivery(*both) for both in zip(seller_wh, buyer_wh, strict=True))


def _seller(trade: Trade) -> int:
    return trade.seller


def _buyer(trade: Trade) -> int:
    return trade.buyer


def _by_home(trades: Sequence[Trade], side: Callable[[Trade], int]) -> Shares:
    found: Shares = {}
    for place, trade in enumerate(trades):
        found.setdefault(side(trade), []).append(place)
    return found


def _shared(
    trades: Sequence[Trade], homes: Shares, meter_wh: Mapping[int, int], sharing: SharingRule
) -> list[int]:
    shares_wh = [0] * len(trades)
    for home, places in homes.items():
        most = [trades[place].energy_wh for place in places]
        total = min(meter_wh[home], sum(most))
        if sharing is SharingRule.PRO_RATA:
            shares = largest_remainder(total, most)
        else:
            shares = in_order(total, most)
        for place, share in zip(places, shares, strict=True):
            shares_wh[place] = share
    return shares_wh


def _topped_up(
    trades: Sequence[Trade],
    homes: Shares,
    meter_wh: Mapping[int, int],
    delivered_wh: Sequence[int],
) -> list[int]:
    """A side's shares: what is delivered, and what its meter shows beyond that, in order."""
    shares_wh = list(delivered_wh)
    for home, places in homes.items():
        left = meter_wh[home] - sum(delivered_wh[place] for place in places)
        missing = [trades[place].energy_wh - delivered_wh[place] for place in places]
        for place, more in zip(places, in_order(left, missing), strict=True):
            shares_wh[place] += more
    return shares_wh


def _most(
    trades: Sequence[Trade],
    sold: Shares,
    bought: Shares,
    exported: Mapping[int, int],
    imported: Mapping[int, int],
) -> list[int]:
    """A maximum flow from sellers to buyers over their trades, by shortest augmenting chains."""
    first = SharingRule.FIRST_IN_FIRST_OUT
    seller_wh = _shared(trades, sold, exported, first)
    buyer_wh = _shared(trades, bought, imported, first)
    flow = [min(both) for both in zip(seller_wh, buyer_wh, strict=True)]
    spare_out = {home: exported[home] - sum(flow[at] for at in sold[home]) for home in sold}
    spare_in = {home: imported[home] - sum(flow[at] for at in bought[home]) for home in bought}
    while chain := _chain(trades, sold, bought, flow, spare_out, spare_in):
        start, end = trades[chain[0]].seller, trades[chain[-1]].buyer
        room = [
            flow[at] if step % 2 else trades[at].energy_wh - flow[at]
            for step, at in enumerate(chain)
        ]
        gain = min(spare_out[start], spare_in[end], *room)
        for step, at in enumerate(chain):
            flow[at] += -gain if step % 2 else gain
        spare_out[start] -= gain
        spare_in[end] -= gain
    return flow


def _chain(
    trades: Sequence[Trade],
    sold: Shares,
    bought: Shares,
    flow: Sequence[int],
    spare_out: Mapping[int, int],
    spare_in: Mapping[int, int],
) -> list[int]:
    """The places of a shortest chain of trades that deliver more, less, more ...: or none."""
    sellers = deque(home for home in sold if spare_out[home])
    reached_by: dict[int, int | None] = dict.fromkeys(sellers)
    taken_by: dict[int, int] = {}
    while sellers:
        seller = sellers.popleft()
        for out in sold[seller]:
            buyer = trades[out].buyer
            if buyer in taken_by or flow[out] == trades[out].energy_wh:
                continue
            taken_by[buyer] = out
            if spare_in[buyer]:
                return _walked_back(trades, buyer, taken_by, reached_by)
            for back in bought[buyer]:
                if flow[back] and trades[back].seller not in reached_by:
                    reached_by[trades[back].seller] = back
                    sellers.append(trades[back].seller)
    return []


def _walked_back(
    trades: Sequence[Trade],
    buyer: int,
    taken_by: Mapping[int, int],
    reached_by: Mapping[int, int | None],
) -> list[int]:
    chain = [taken_by[buyer]]
    while (back := reached_by[trades[chain[-1]].seller]) is not None:
        chain += [back, taken_by[trades[back].buyer]]
    return chain[::-1]
