"""Pay as bid, by price and time: each trade at the buyer's own limit.

The buyer with the highest limit chooses first, of equal ones the one in the lower place. It takes
from the seller with the lowest limit; of those that ask the same, from the ones that it prefers, as
it names them, and then from the lower place. A buyer of green alone passes over other sellers.
Preferences of sellers have no say, as price and time alone choose their buyers, and nothing is
shared pro rata.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from energy.clearing.trades import Bid, Trade
from energy.clearing.uniform import LIMIT


def clear_pay_as_bid(sells: Sequence[Bid], buys: Sequence[Bid]) -> list[Trade]:
    """Trades for bids by place, in the order in which they were made."""
    offers = _Offers(sells)
    trades: list[Trade] = []
    for buy in sorted(buys, key=LIMIT, reverse=True):
        needs_wh, limit = buy.energy_wh, buy.limit_utok_per_kwh
        while needs_wh:
            place = offers.best_for(buy)
            if place is None:
                break
            sell = offers.rising[place]
            wh = min(needs_wh, offers.left_wh[place])
            offers.left_wh[place] -= wh
            needs_wh -= wh
            trades.append(Trade(sell.home, buy.home, sell.order, buy.order, wh, limit))
    return trades


class _Offers:
    """Sellers from the lowest limit, with what they have left."""

    def __init__(self, sells: Sequence[Bid]) -> None:
        self.rising = sorted(sells, key=LIMIT)
        self.left_wh = [bid.energy_wh for bid in self.rising]
        self._all = _Queue(list(range(len(self.rising))))
        self._green = _Queue([i for i, bid in enumerate(self.rising) if bid.is_green])
        self._asking: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, bid in enumerate(self.rising):
            self._asking[bid.home, bid.limit_utok_per_kwh].append(place)

    def best_for(self, buy: Bid) -> int | None:
        """Which one this buyer takes from next; None if nothing is left within its limit."""
        first = (self._green if buy.green_only else self._all).first(self.left_wh)
        if first is None or self.rising[first].limit_utok_per_kwh > buy.limit_utok_per_kwh:
            return None
        lowest = self.rising[first].limit_utok_per_kwh
        for home in buy.preferred:
            for place in self._asking.get((home, lowest), ()):
                if self.left_wh[place] and (self.rising[place].is_green or not buy.green_only):
                    return place
        return first


class _Queue:
    """Places in order; those with nothing left are passed over for good."""

    def __init__(self, places: list[int]) -> None:
        self._places = places
        self._at = 0

    def first(self, left_wh: Sequence[int]) -> int | None:
        """The first place with something left."""
        while self._at < len(self._places):
            place = self._places[self._at]
            if left_wh[place]:
                return place
            self._at += 1
        return None
