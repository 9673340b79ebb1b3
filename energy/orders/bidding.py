"""From standing orders to the bids of one interval: what each comes to, or why to nothing.

A home's own orders share what it has or needs, its budget, its balance and its limits in order of
their places. A buyer needs the money for its own limit, whatever the price will be: no balance, no
trade. No verified reading, no bid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from energy.clearing.supply_demand import fees_of
from energy.clearing.trades import Bid
from energy.community.rules import Rules, Side, Tariff, Timing
from energy.orders.book import Placed
from energy.settlement.flows import Metered


class Unfit(Enum):
    """Why a standing order makes no bid. Its value is what a clearing's `left_out` shows."""

    NO_READING = "no verified reading of its meter for this interval"
    NO_SURPLUS = "its meter shows no surplus to sell in this interval"
    NO_DEFICIT = "its meter shows no need to buy in this interval"
    LIMITED = "a limit of its connection or its community leaves it no energy"
    FEES = "the fees alone are more than it would pay"
    BUDGET = "its budget for the day is used up"
    BALANCE = "its balance does not cover a watt-hour at its limit"


@dataclass(frozen=True, slots=True)
class Room:
    """What a home can do in an interval.

    `surplus_wh`, `deficit_wh`: exported more than imported, or imported more than exported; or so
    expected where the interval is cleared ahead. `balance_ntok`: what it can still pay.
    `spent_ntok`: what its purchases of the same local day cost so far. `most_sell_wh`,
    `most_buy_wh`: what limits allow, None for no limit. `refused`: a reason for which it may not
    trade at all.
    """

    surplus_wh: int
    deficit_wh: int
    balance_ntok: int
    spent_ntok: int = 0
    most_sell_wh: int | None = None
    most_buy_wh: int | None = None
    is_green: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """Bids by place, and (order, reason) of each standing order that makes none."""

    bids: tuple[Bid, ...]
    left_out: tuple[tuple[bytes, str], ...]


def net_wh(metered: Metered) -> tuple[int, int]:
    """(surplus, deficit) of a home in an interval: one of them is 0.

    What it took and gave within the interval it has to itself first.
    """
    net = metered.export_wh - metered.import_wh
    return max(net, 0), max(-net, 0)


def bids(
    standing: Sequence[Placed], rooms: Mapping[int, Room], rules: Rules, tariff: Tariff
) -> Offered:
    """The bids of orders that stand, by place. Limits of bids are without fees.

    A home that is not in `rooms` has no verified reading. Where the interval is cleared ahead, an
    order for a stated energy promises it, and one for "all" what `rooms` expects.
    """
    left: dict[int, _Left] = {}
    made: list[Bid] = []
    left_out: list[tuple[bytes, str]] = []
    fees = {side: fees_of(side, tariff) for side in Side}
    is_ahead = rules.timing is Timing.AHEAD
    for placed in standing:
        home = placed.order.account
        room = rooms.get(home)
        if room is None:
            left_out.append((placed.name, Unfit.NO_READING.value))
            continue
        if room.refused:
            left_out.append((placed.name, room.refused))
            continue
        mine = left.get(home)
        if mine is None:
            mine = left[home] = _Left(room)
        found = mine.take(placed, tariff, fees[placed.order.side], is_ahead)
        if isinstance(found, Unfit):
            left_out.append((placed.name, found.value))
        else:
            made.append(found)
    return Offered(tuple(made), tuple(left_out))


class _Left:
    """What a home's later orders find."""

    __slots__ = ("_balance_ntok", "_buy_wh", "_deficit_wh", "_room", "_sell_wh", "_surplus_wh")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._surplus_wh, self._deficit_wh = room.surplus_wh, room.deficit_wh
        self._sell_wh, self._buy_wh = room.most_sell_wh, room.most_buy_wh
        self._balance_ntok = room.balance_ntok

    def take(self, placed: Placed, tariff: Tariff, fees: int, is_ahead: bool) -> Bid | Unfit:
        """The order's bid, taken from what is left."""
        if placed.order.side is Side.SELL:
            return self._sell(placed, tariff, fees, is_ahead)
        return self._buy(placed, tariff, fees, is_ahead)

    def _sell(self, placed: Placed, tariff: Tariff, fees: int, is_ahead: bool) -> Bid | Unfit:
        order = placed.order
        wh = _quantity(order.energy_wh, self._surplus_wh, is_ahead)
        if not wh:
            return Unfit.NO_SURPLUS
        if self._sell_wh is not None:
            wh = min(wh, self._sell_wh)
            if not wh:
                return Unfit.LIMITED
            self._sell_wh -= wh
        self._surplus_wh = max(0, self._surplus_wh - wh)
        limit = order.limit_utok_per_kwh
        if limit is None:
            limit = tariff.feed_in_utok_per_kwh
        return _bid(placed, limit + fees, wh, is_green=self._room.is_green)

    def _buy(self, placed: Placed, tariff: Tariff, fees: int, is_ahead: bool) -> Bid | Unfit:
        order = placed.order
        wh = _quantity(order.energy_wh, self._deficit_wh, is_ahead)
        if not wh:
            return Unfit.NO_DEFICIT
        limit = order.limit_utok_per_kwh
        if limit is None:
            limit = tariff.retail_utok_per_kwh
        if limit < fees:
            return Unfit.FEES
        if self._buy_wh is not None:
            wh = min(wh, self._buy_wh)
            if not wh:
                return Unfit.LIMITED
        if order.budget_ntok:
            reserved_ntok = self._room.balance_ntok - self._balance_ntok
            free_ntok = order.budget_ntok - self._room.spent_ntok - reserved_ntok
            wh = _affordable(wh, free_ntok, limit)
            if not wh:
                return Unfit.BUDGET
        wh = _affordable(wh, self._balance_ntok, limit)
        if not wh:
            return Unfit.BALANCE
        self._balance_ntok -= wh * limit
        if self._buy_wh is not None:
            self._buy_wh -= wh
        self._deficit_wh = max(0, self._deficit_wh - wh)
        return _bid(placed, limit - fees, wh)


def _quantity(order_wh: int, has_wh: int, is_ahead: bool) -> int:
    """What an order asks for of what there is. 0 in an order is all."""
    if not order_wh:
        return has_wh
    return order_wh if is_ahead else min(order_wh, has_wh)


def _affordable(wh: int, free_ntok: int, price_utok_per_kwh: int) -> int:
    if free_ntok <= 0:
        return 0
    return min(wh, free_ntok // price_utok_per_kwh) if price_utok_per_kwh else wh


def _bid(placed: Placed, limit: int, wh: int, *, is_green: bool = False) -> Bid:
    order = placed.order
    return Bid(
        placed.name,
        order.account,
        order.side,
        limit,
        wh,
        placed.place,
        order.preferred,
        order.green_only,
        is_green,
    )
