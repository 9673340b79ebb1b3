"""What a clearing takes and gives: bids of one interval in, trades between homes out."""

from __future__ import annotations

from dataclasses import dataclass

from energy.community.rules import Side
from energy.intervals import Interval


@dataclass(frozen=True, slots=True)
class Bid:
    """What an order comes to in one interval.

    `home`: account index. `limit_utok_per_kwh`: a seller's lowest, a buyer's highest price.
    `energy_wh`: what it offers or wants at most now, after limits, budget and meter have been
    looked at. `place`: its time priority, lower first, unique among the bids. `preferred`: account
    indices that it would rather deal with. `green_only`: a buyer that takes from green sellers
    alone; `is_green`: a seller whose energy is.
    """

    order: bytes
    home: int
    side: Side
    limit_utok_per_kwh: int
    energy_wh: int
    place: int
    preferred: tuple[int, ...] = ()
    green_only: bool = False
    is_green: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    """The buyer takes this energy (Wh > 0) from the seller at this price (utok per kWh)."""

    seller: int
    buyer: int
    sell_order: bytes
    buy_order: bytes
    energy_wh: int
    price_utok_per_kwh: int


@dataclass(frozen=True, slots=True)
class Clearing:
    """One interval's result under a version of the rules.

    `price_utok_per_kwh`: the price of all trades; 0 where there is none, or each has its own.
    `left_out`: (order, reason) of bids that were not cleared, or were cut.
    """

    interval: Interval
    rules_version: int
    price_utok_per_kwh: int
    trades: tuple[Trade, ...]
    left_out: tuple[tuple[bytes, str], ...] = ()

    @property
    def traded_wh(self) -> int:
        """All energy of its trades."""
        return sum(trade.energy_wh for trade in self.trades)
