"""The year itself: each hour's surpluses and deficits become bids, and are cleared by the rules.

Where price limits keep energy from being traded, it is said whose. The limits are lifted in two
steps, all sellers' first, then all buyers' too, and the hour is cleared again after each: what is
traded more is what that side's limits kept back. It is shared over the homes of that side whose
limit the price did not meet, in proportion to the energy that they stayed out with; where there
was no price, or none stayed out for it, in proportion to what each trades more in that step. Both
by largest remainder, so the lines of a year add up to what is missing, to the Wh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from energy.clearing.clear import clear
from energy.clearing.reasons import Reason
from energy.clearing.trades import Bid, Clearing
from energy.community.rules import Rules, Side, Tariff
from energy.replay.limits import Limit, Limits, no_limits
from energy.replay.street import Street
from energy.sharing import largest_remainder

Progress = Callable[[int, int], None]
"""Called with the hours done and all of them."""


@dataclass(frozen=True, slots=True)
class KeptBack:
    """One line of what limits kept from being traded: whose, on which side, in which hours of the
    day, Wh, in how many hours."""

    home: int
    side: Side
    limit_utok_per_kwh: int
    hour_of_day: int
    kept_wh: int
    hours: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """A year's trade. `sold_wh`, `bought_wh`: by home; `gained_ntok`: by home, against having only
    the grid. `kept_back`: lines that add up to `missing_wh` exactly."""

    traded_wh: int
    hours_with_trade: int
    sold_wh: Mapping[int, int]
    bought_wh: Mapping[int, int]
    gained_ntok: Mapping[int, int]
    kept_back: tuple[KeptBack, ...] = ()

    @property
    def missing_wh(self) -> int:
        """What is traded less than without limits."""
        return sum(line.kept_wh for line in self.kept_back)


class _Year:
    def __init__(self, street: Street, limits: Limits, rules: Rules, tariff: Tariff) -> None:
        self.street, self.rules, self.tariff = street, rules, tariff
        self.homes = [home.home for home in street.homes]
        self.limits = limits
        free = no_limits(self.homes, tariff)
        self.free = free
        self.free_to_sell = {
            home: Limit(free[home].sell_utok_per_kwh, limits[home].buy_utok_per_kwh)
            for home in self.homes
        }
        self.sold: dict[int, int] = defaultdict(int)
        self.bought: dict[int, int] = defaultdict(int)
        self.gained: dict[int, int] = defaultdict(int)
        self.kept: dict[tuple[int, Side, int], list[int]] = defaultdict(list)
        self.hours_with_trade = 0

    def hour(self, hour: int) -> None:
        """Clear one hour, and find out what its limits kept back."""
        nets = self.street.nets(hour)
        if min(nets) >= 0 or max(nets) <= 0:
            return
        cleared = self._clear(hour, nets, self.limits)
        self._count(cleared)
        if self.limits == self.free:
            return
        selling_freely = self._clear(hour, nets, self.free_to_sell)
        self._explain(hour, Side.SELL, cleared, selling_freely)
        self._explain(hour, Side.BUY, selling_freely, self._clear(hour, nets, self.free))

    def _clear(self, hour: int, nets: Sequence[int], limits: Limits) -> Clearing:
        bids = [
            _bid(place, home, net, limits[home])
            for place, (home, net) in enumerate(zip(self.homes, nets, strict=True))
            if net
        ]
        return clear(bids, self.street.interval(hour), self.rules, self.tariff)

    def _count(self, clearing: Clearing) -> None:
        self.hours_with_trade += bool(clearing.trades)
        for trade in clearing.trades:
            wh, price = trade.energy_wh, trade.price_utok_per_kwh
            self.sold[trade.seller] += wh
            self.bought[trade.buyer] += wh
            self.gained[trade.seller] += wh * (price - self.tariff.feed_in_utok_per_kwh)
            self.gained[trade.buyer] += wh * (self.tariff.retail_utok_per_kwh - price)

    def _explain(self, hour: int, side: Side, before: Clearing, after: Clearing) -> None:
        more_wh = after.traded_wh - before.traded_wh
        if not more_wh:
            return
        blamed = self._stayed_out(hour, side, before) or _more(before, after, side)
        shares = largest_remainder(more_wh, list(blamed.values()))
        for home, wh in zip(blamed, shares, strict=True):
            if wh:
                self.kept[home, side, self.street.hour_of_day(hour)].append(wh)

    def _stayed_out(self, hour: int, side: Side, clearing: Clearing) -> dict[int, int]:
        """Wh that homes of a side did not trade as the price was beyond their limit."""
        reasons = dict(clearing.left_out)
        sign = 1 if side is Side.SELL else -1
        nets = zip(self.homes, self.street.nets(hour), strict=True)
        return {
            home: sign * net
            for home, net in nets
            if sign * net > 0 and reasons.get(_order(home)) == Reason.LIMIT.value
        }

    def lines(self) -> tuple[KeptBack, ...]:
        """By home, sellers' limits first, by hour of the day."""
        order = sorted(self.kept, key=lambda key: (key[0], key[1].value != "sell", key[2]))
        return tuple(
            KeptBack(
                home,
                side,
                self._limit(home, side),
                hour_of_day,
                sum(self.kept[home, side, hour_of_day]),
                len(self.kept[home, side, hour_of_day]),
            )
            for home, side, hour_of_day in order
        )

    def _limit(self, home: int, side: Side) -> int:
        limit = self.limits[home]
        return limit.sell_utok_per_kwh if side is Side.SELL else limit.buy_utok_per_kwh


def replay(
    street: Street,
    limits: Limits,
    rules: Rules,
    tariff: Tariff,
    progress: Progress = lambda _done, _all: None,
) -> Replayed:
    """Clear every hour. Fees of the tariff are for the clearing to heed, and are not in the gains.

    Raises BadBids.
    """
    year = _Year(street, limits, rules, tariff)
    for hour in range(street.hours):
        year.hour(hour)
        if hour % 100 == 0:
            progress(hour, street.hours)
    progress(street.hours, street.hours)
    return Replayed(
        sum(year.sold.values()),
        year.hours_with_trade,
        dict(year.sold),
        dict(year.bought),
        dict(year.gained),
        year.lines(),
    )


def _bid(place: int, home: int, net_wh: int, limit: Limit) -> Bid:
    side = Side.SELL if net_wh > 0 else Side.BUY
    price = limit.sell_utok_per_kwh if net_wh > 0 else limit.buy_utok_per_kwh
    return Bid(_order(home), home, side, price, abs(net_wh), place)


def _order(home: int) -> bytes:
    """A home's one order: its number."""
    return home.to_bytes(4, "big")


def _more(before: Clearing, after: Clearing, side: Side) -> dict[int, int]:
    """Wh that homes of a side trade more in the one than in the other."""
    was, stands = _by_home(before, side), _by_home(after, side)
    return {home: stands[home] - was[home] for home in stands if stands[home] > was[home]}


def _by_home(clearing: Clearing, side: Side) -> dict[int, int]:
    traded: dict[int, int] = defaultdict(int)
    for trade in clearing.trades:
        traded[trade.seller if side is Side.SELL else trade.buyer] += trade.energy_wh
    return traded
