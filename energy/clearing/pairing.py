"""Who supplies whom, once it is known how much each sells and buys at one price.

Buyers of green alone are supplied first, from green sellers, then the others from what is left. In
each of these two rounds come first the pairs that prefer each other, then the sellers whom a buyer
prefers, then the buyers whom a seller prefers, and then, by the north-west corner rule, the first
seller with energy left supplies the first buyer with need left. First is who has the lower place,
and a preference that its bid names earlier. So preferences choose the neighbour, never the price or
the amount, and there are few pairs: without preferences fewer than sellers + buyers in a round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from energy.clearing.trades import Bid


def pair(
    sells: Sequence[Bid], sold: Sequence[int], buys: Sequence[Bid], bought: Sequence[int]
) -> list[tuple[Bid, Bid, int]]:
    """(seller, buyer, Wh > 0) by place of the seller, then of the buyer; each pair once.

    Bids by place; both amounts add up to the same, and `bought` by buyers of green alone to at most
    what green sellers have `sold`.
    """
    pairs = _Pairs(sells, list(sold), buys, list(bought))
    is_picky = any(bid.green_only for bid in buys)
    everyone = range(len(sells))
    if is_picky:
        green = [i for i in everyone if sells[i].is_green]
        pairs.supply(green, [j for j in range(len(buys)) if buys[j].green_only])
        pairs.supply(everyone, [j for j in range(len(buys)) if not buys[j].green_only])
    else:
        pairs.supply(everyone, range(len(buys)))
    pairs.made.sort()
    return [(sells[i], buys[j], wh) for i, j, wh in pairs.made]


class _Pairs:
    """Pairs made so far, and what each bid has left."""

    def __init__(
        self, sells: Sequence[Bid], to_sell: list[int], buys: Sequence[Bid], to_buy: list[int]
    ) -> None:
        self.sells, self.to_sell = sells, to_sell
        self.buys, self.to_buy = buys, to_buy
        self.made: list[tuple[int, int, int]] = []

    def supply(self, sellers: Sequence[int], buyers: Sequence[int]) -> None:
        """Pair these until one side has nothing left: preferences, then places."""
        for i, j in self._preferred(sellers, buyers):
            self._give(i, j)
        to_sell, to_buy = self.to_sell, self.to_buy
        still_selling = iter([i for i in sellers if to_sell[i]])
        first = next(still_selling, None)
        for j in buyers:
            needs_wh = to_buy[j]
            while needs_wh and first is not None:
                has_wh = to_sell[first]
                wh = min(has_wh, needs_wh)
                self.made.append((first, j, wh))
                needs_wh -= wh
                to_sell[first] = has_wh - wh
                if has_wh == wh:
                    first = next(still_selling, None)
            to_buy[j] = needs_wh

    def _give(self, i: int, j: int) -> None:
        wh = min(self.to_sell[i], self.to_buy[j])
        if wh:
            self.to_sell[i] -= wh
            self.to_buy[j] -= wh
            self.made.append((i, j, wh))

    def _preferred(
        self, sellers: Sequence[int], buyers: Sequence[int]
    ) -> Iterator[tuple[int, int]]:
        wishing_buyers = [j for j in buyers if self.buys[j].preferred]
        wishing_sellers = [i for i in sellers if self.sells[i].preferred]
        if wishing_buyers:
            of_home = _by_home(self.sells, sellers, (self.buys[j] for j in wishing_buyers))
            wishes = [
                (i, j)
                for j in wishing_buyers
                for home in self.buys[j].preferred
                for i in of_home.get(home, ())
            ]
            yield from ((i, j) for i, j in wishes if self.buys[j].home in self.sells[i].preferred)
            yield from wishes
        if wishing_sellers:
            of_home = _by_home(self.buys, buyers, (self.sells[i] for i in wishing_sellers))
            for i in wishing_sellers:
                for home in self.sells[i].preferred:
                    for j in of_home.get(home, ()):
                        yield i, j


def _by_home(
    bids: Sequence[Bid], places: Iterable[int], wishing: Iterable[Bid]
) -> dict[int, list[int]]:
    """Where the bids of the homes that these wish for stand, in order."""
    found: dict[int, list[int]] = {home: [] for bid in wishing for home in bid.preferred}
    for place in places:
        mine = found.get(bids[place].home)
        if mine is not None:
            mine.append(place)
    return found
