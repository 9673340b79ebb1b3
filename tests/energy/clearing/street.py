"""Bids for tests: drawn ones with many ties, and plain ones by hand."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st

from energy.clearing.trades import Bid, Clearing
from energy.community.rules import ClearingRule, Fee, FeeKind, Rules, SharingRule, Side, Tariff
from energy.intervals import Interval

QUARTER = Interval(900_000, 1_800_000)
TARIFF = Tariff(0, 20, 4, (Fee(FeeKind.GRID, 2, Side.BUY), Fee(FeeKind.COMMUNITY, 1, Side.SELL)))
"""Retail 20, feed-in 4; with the fees the supply-demand price lies from 5 to 18."""


def rules(clearing: ClearingRule, sharing: SharingRule = SharingRule.PRO_RATA) -> Rules:
    """Version 3 of some community's rules."""
    return Rules(3, 0, clearing, sharing=sharing)


def bid(
    place: int,
    side: Side,
    limit: int,
    wh: int,
    *,
    home: int | None = None,
    preferred: tuple[int, ...] = (),
    green: bool = False,
) -> Bid:
    """A bid whose home has the number of its place, if no other is given."""
    is_sale = side is Side.SELL
    return Bid(
        bytes([place]),
        place if home is None else home,
        side,
        limit,
        wh,
        place,
        preferred,
        green and not is_sale,
        green and is_sale,
    )


@st.composite
def streets(draw: st.DrawFn) -> list[Bid]:
    """Up to 14 bids of up to 10 homes, with few different limits and amounts."""
    homes = st.integers(0, 9)
    count = draw(st.integers(0, 14))
    places = draw(st.permutations(range(count)))
    return [
        bid(
            place,
            draw(st.sampled_from(Side)),
            draw(st.integers(0, 22)),
            draw(st.integers(0, 9)),
            home=draw(homes),
            preferred=tuple(draw(st.lists(homes, max_size=2, unique=True))),
            green=draw(st.integers(0, 2)) == 0,
        )
        for place in places
    ]


def rest_wh(bids: list[Bid], done: Clearing) -> dict[bytes, int]:
    """What each order has left of its bid."""
    traded: Counter[bytes] = Counter()
    for trade in done.trades:
        traded[trade.sell_order] += trade.energy_wh
        traded[trade.buy_order] += trade.energy_wh
    return {one.order: one.energy_wh - traded[one.order] for one in bids}
