"""What a day's meter data ask for: channels, deposits and who can disappear without loss.

A household would size its deposits from what it expects to buy; the demo takes the day's trades as
that expectation. Each side's need is the peak of what it has paid more than it was paid, so that no
payment exceeds a capacity; OPEN brings half of the opener's need, a TOP_UP the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.units import amount_ntok
from wattlane.errors import BadChoice
from wattlane.matching import Interval, intervals
from wattlane.readings import Meter

FEWEST_FOR_A_DISAPPEARANCE = 3


@dataclass(frozen=True, slots=True)
class PlannedChannel:
    """A channel between two homes: the opener is the one that needs more."""

    opener: str
    peer: str
    opener_need_ntok: int
    peer_need_ntok: int

    @property
    def first_deposit_ntok(self) -> int:
        """What OPEN brings: half of the need, rounded up."""
        return (self.opener_need_ntok + 1) // 2

    @property
    def pair(self) -> frozenset[str]:
        """Both homes."""
        return frozenset((self.opener, self.peer))


@dataclass(frozen=True, slots=True)
class Totals:
    """One home's day in Wh. Grid: what neighbours neither took nor gave."""

    bought_wh: int
    sold_wh: int
    from_grid_wh: int
    to_grid_wh: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A day of the street."""

    homes: tuple[str, ...]
    intervals: tuple[Interval, ...]
    price_utok_per_kwh: int
    channels: tuple[PlannedChannel, ...]
    totals: dict[str, Totals]
    vanishing: str | None

    @property
    def matched_wh(self) -> int:
        """All energy that neighbours trade."""
        return sum(interval.matched_wh for interval in self.intervals)

    def need_ntok(self, home: str) -> int:
        """What the home puts into channels over the day."""
        opened = sum(one.opener_need_ntok for one in self.channels if one.opener == home)
        return opened + sum(one.peer_need_ntok for one in self.channels if one.peer == home)

    def last_trade_of(self, home: str) -> int:
        """The place of the last interval in which the home trades; -1 if it never does."""
        last = -1
        for place, interval in enumerate(self.intervals):
            if any(home in (trade.buyer, trade.seller) for trade in interval.trades):
                last = place
        return last


def plan_day(street: Sequence[Meter], price_utok_per_kwh: int) -> Plan:
    """The plan of a street's readings at a price. Raises BadChoice where nobody can trade."""
    day = tuple(intervals(street))
    homes = tuple(meter.name for meter in street)
    if not any(interval.trades for interval in day):
        raise BadChoice(
            "these homes have nothing to trade then; choose another day, hours or homes"
        )
    totals = {home: _totals(home, day) for home in homes}
    return Plan(
        homes=homes,
        intervals=day,
        price_utok_per_kwh=price_utok_per_kwh,
        channels=_channels(homes, day, price_utok_per_kwh),
        totals=totals,
        vanishing=_vanishing(homes, totals),
    )


def _channels(
    homes: Sequence[str], day: Sequence[Interval], price_utok_per_kwh: int
) -> tuple[PlannedChannel, ...]:
    paid_more: dict[tuple[str, str], int] = defaultdict(int)
    peak: dict[tuple[str, str], int] = defaultdict(int)
    for interval in day:
        for trade in interval.trades:
            way, back = (trade.buyer, trade.seller), (trade.seller, trade.buyer)
            paid = amount_ntok(trade.energy_wh, price_utok_per_kwh)
            paid_more[way] += paid
            paid_more[back] -= paid
            peak[way] = max(peak[way], paid_more[way])
    channels = []
    for place, one in enumerate(homes):
        for other in homes[place + 1 :]:
            need, back_need = peak[one, other], peak[other, one]
            if need >= back_need > 0 or need > 0 == back_need:
                channels.append(PlannedChannel(one, other, need, back_need))
            elif back_need > 0:
                channels.append(PlannedChannel(other, one, back_need, need))
    return tuple(channels)


def _totals(home: str, day: Sequence[Interval]) -> Totals:
    bought = sold = imported = exported = 0
    for interval in day:
        net = dict(interval.net_wh)[home]
        imported += max(-net, 0)
        exported += max(net, 0)
        for trade in interval.trades:
            bought += trade.energy_wh if trade.buyer == home else 0
            sold += trade.energy_wh if trade.seller == home else 0
    return Totals(bought, sold, imported - bought, exported - sold)


def _vanishing(homes: Sequence[str], totals: dict[str, Totals]) -> str | None:
    """The home whose process will be killed: the one that bought most among those that sold least.

    A home that only buys loses nothing by it: its neighbours hold its vouchers and claim them.
    """
    buyers = [home for home in homes if totals[home].bought_wh]
    if len(homes) < FEWEST_FOR_A_DISAPPEARANCE or not buyers:
        return None
    return min(buyers, key=lambda home: (totals[home].sold_wh, -totals[home].bought_wh, home))
