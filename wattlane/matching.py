"""Who pays whom for how much energy in an interval: whole Wh in, whole Wh out, none lost.

In each interval between consecutive times common to all meters, net = export difference - import
difference. matched = min(sum of surpluses, sum of deficits) is shared on both sides pro rata by
largest remainder in whole Wh, ties to the lower meter; no meter's share exceeds its own net.

Pairs: sellers and buyers, each in the street's order of meters, are walked side by side: the first
seller with energy left sells to the first buyer with need left, as much as both have (the north-
west corner rule). It is deterministic and gives at most sellers + buyers - 1 pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from energy.sharing import largest_remainder
from wattlane.readings import Meter, Reading, common_times


@dataclass(frozen=True, slots=True)
class Trade:
    """The buyer owes the seller for this energy."""

    buyer: str
    seller: str
    energy_wh: int


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval's result. Trades add up to matched_wh; `net_wh` is in the street's order."""

    start: datetime
    end: datetime
    net_wh: tuple[tuple[str, int], ...]
    matched_wh: int
    trades: tuple[Trade, ...]


def midpoint_price(feed_in_utok_per_kwh: int, retail_utok_per_kwh: int) -> int:
    """The integer midpoint (rounded down) of what the grid pays and what it takes, utok per kWh."""
    return (feed_in_utok_per_kwh + retail_utok_per_kwh) // 2


def pair(
    sellers: Sequence[tuple[str, int]], buyers: Sequence[tuple[str, int]]
) -> tuple[Trade, ...]:
    """Trades from (meter, Wh) lists with equal sums, by the north-west corner rule."""
    trades = []
    selling, buying = list(sellers), list(buyers)
    while selling and buying:
        (seller, has_wh), (buyer, needs_wh) = selling[0], buying[0]
        energy_wh = min(has_wh, needs_wh)
        if energy_wh:
            trades.append(Trade(buyer, seller, energy_wh))
        selling[0], buying[0] = (seller, has_wh - energy_wh), (buyer, needs_wh - energy_wh)
        if not selling[0][1]:
            selling.pop(0)
        if not buying[0][1]:
            buying.pop(0)
    return tuple(trades)


def match(net_wh: Sequence[tuple[str, int]]) -> tuple[int, tuple[Trade, ...]]:
    """(matched Wh, trades) of one interval, from each meter's net in the street's order."""
    surplus = [(meter, net) for meter, net in net_wh if net > 0]
    deficit = [(meter, -net) for meter, net in net_wh if net < 0]
    matched_wh = min(sum(wh for _, wh in surplus), sum(wh for _, wh in deficit))
    if not matched_wh:
        return 0, ()
    sold = largest_remainder(matched_wh, [wh for _, wh in surplus])
    bought = largest_remainder(matched_wh, [wh for _, wh in deficit])
    sellers = [(meter, wh) for (meter, _), wh in zip(surplus, sold, strict=True)]
    buyers = [(meter, wh) for (meter, _), wh in zip(deficit, bought, strict=True)]
    return matched_wh, pair(sellers, buyers)


def _net(before: Reading, after: Reading) -> int:
    return (after.export_wh - before.export_wh) - (after.import_wh - before.import_wh)


def intervals(street: Sequence[Meter]) -> Iterator[Interval]:
    """Every interval of the street, in order of time."""
    at = [(meter.name, {reading.time: reading for reading in meter.readings}) for meter in street]
    for start, end in pairwise(common_times(street)):
        net_wh = tuple((name, _net(readings[start], readings[end])) for name, readings in at)
        yield Interval(start, end, net_wh, *match(net_wh))
