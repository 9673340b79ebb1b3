"""The bids that take part in a clearing: each with some energy, and each home on one side.

In order of their places, so that what is done with them never depends on the order they came in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from energy.clearing.reasons import Reason
from energy.clearing.trades import Bid
from energy.community.rules import Side
from energy.errors import BadBids


@dataclass(frozen=True, slots=True)
class Bidders:
    """Sellers and buyers by place, and who was left out before any price was looked at."""

    sells: list[Bid]
    buys: list[Bid]
    left_out: list[tuple[Bid, Reason]]


def bidders(bids: Sequence[Bid]) -> Bidders:
    """Those that take part. Raises BadBids for two bids in one place or of one order, and for a
    negative energy or limit.

    A home that bids on both sides takes part only where it bids for more Wh in all, and sells where
    both are the same: so nobody trades with itself.
    """
    by_place = sorted(bids, key=attrgetter("place"))
    if len({bid.place for bid in by_place}) < len(by_place):
        raise BadBids("two bids have the same place: time priority is one order of all bids")
    if len({bid.order for bid in by_place}) < len(by_place):
        raise BadBids("two bids are of the same order: an order makes one bid an interval")
    left_out: list[tuple[Bid, Reason]] = []
    sells: list[Bid] = []
    buys: list[Bid] = []
    for bid in by_place:
        if bid.energy_wh <= 0 or bid.limit_utok_per_kwh < 0:
            if bid.energy_wh < 0 or bid.limit_utok_per_kwh < 0:
                raise BadBids(f"the bid in place {bid.place} has a negative energy or limit")
            left_out.append((bid, Reason.EMPTY))
        elif bid.side is Side.SELL:
            sells.append(bid)
        else:
            buys.append(bid)
    both = {bid.home for bid in sells} & {bid.home for bid in buys}
    if both:
        net_wh: dict[int, int] = defaultdict(int)
        for bid in sells:
            net_wh[bid.home] += bid.energy_wh
        for bid in buys:
            net_wh[bid.home] -= bid.energy_wh
        out = [bid for bid in sells if bid.home in both and net_wh[bid.home] < 0]
        out += [bid for bid in buys if bid.home in both and net_wh[bid.home] >= 0]
        gone = {bid.place for bid in out}
        sells = [bid for bid in sells if bid.place not in gone]
        buys = [bid for bid in buys if bid.place not in gone]
        left_out += [(bid, Reason.BOTH_SIDES) for bid in out]
    return Bidders(sells, buys, left_out)
