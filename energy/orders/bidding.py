"""From standing orders to the bids of one interval: what each comes to, or why to nothing.

A home's own orders share what it has or needs, its budget, its balances and its limits in order of
their places. No balance, no trade: a bid is for no more than its home can pay the worst for, which
is its own limit whatever the price will be, its own side's fees, and, where the interval is cleared
ahead, what the other side is owed for each Wh that it is short (deliveries and shortfalls of one Wh
exclude each other, so the dearer of the two counts). No verified reading, no bid.
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
    FEE_BALANCE = "it cannot pay the community's account the fees of a watt-hour"
    SHORTFALL = "its balance does not cover what a watt-hour costs that it is short"


CUTS = {
    Unfit.BUDGET: "its budget for the day leaves no more",
    Unfit.BALANCE: "its balance covers no more at its limit",
    Unfit.FEE_BALANCE: "it can pay the community's account the fees of no more",
    Unfit.SHORTFALL: "its balance covers no more, should it be short",
}
"""Why a bid is for less than its order asks and its meter shows."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a home can do in an interval.

    `surplus_wh`, `deficit_wh`: exported more than imported, or imported more than exported; or so
    expected where the interval is cleared ahead. `balance_ntok`: what it can still pay those whom
    it trades with. `fees_ntok`: what it can still pay for fees over a channel of its own with the
    community's account; None where a buyer's fees come out of the same balance, and a seller's out
    of what it is paid. `spent_ntok`: what its purchases of the same local day cost so far.
    `most_sell_wh`, `most_buy_wh`: what limits allow, None for no limit. `refused`: a reason for
    which it may not trade at all.
    """

    surplus_wh: int
    deficit_wh: int
    balance_ntok: int
    spent_ntok: int = 0
    fees_ntok: int | None = None
    most_sell_wh: int | None = None
    most_buy_wh: int | None = None
    is_green: bool = False
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Offered:
    """Bids by place, and (order, reason) of each standing order that makes none, or one for less
    than its meter shows as the money ends."""

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
    terms = _Terms(
        tariff,
        {side: fees_of(side, tariff) for side in Side},
        rules.shortfall_utok_per_kwh,
        rules.timing is Timing.AHEAD,
    )
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
            mine = left[home] = _Left(room, terms)
        found = mine.take(placed)
        if isinstance(found, Unfit):
            left_out.append((placed.name, found.value))
        else:
            made.append(found)
            left_out += [(placed.name, cut) for cut in mine.cuts]
    return Offered(tuple(made), tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Terms:
    """What bears on everybody's bids. `fees`: of a side, utok per kWh."""

    tariff: Tariff
    fees: Mapping[Side, int]
    short_utok_per_kwh: int
    is_ahead: bool


class _Left:
    """What a home's later orders find. `cuts`: why the last bid is for less than it could be."""

    __slots__ = (
        "_balance_ntok",
        "_buy_wh",
        "_deficit_wh",
        "_fees_ntok",
        "_reserved_ntok",
        "_room",
        "_sell_wh",
        "_surplus_wh",
        "_terms",
        "cuts",
    )

    def __init__(self, room: Room, terms: _Terms) -> None:
        self._room, self._terms = room, terms
        self._surplus_wh, self._deficit_wh = room.surplus_wh, room.deficit_wh
        self._sell_wh, self._buy_wh = room.most_sell_wh, room.most_buy_wh
        self._balance_ntok, self._fees_ntok = room.balance_ntok, room.fees_ntok
        self._reserved_ntok = 0
        self.cuts: list[str] = []

    def take(self, placed: Placed) -> Bid | Unfit:
        """The order's bid, taken from what is left."""
        self.cuts = []
        return self._sell(placed) if placed.order.side is Side.SELL else self._buy(placed)

    def _sell(self, placed: Placed) -> Bid | Unfit:
        order, terms = placed.order, self._terms
        wh = _quantity(order.energy_wh, self._surplus_wh, terms.is_ahead)
        if not wh:
            return Unfit.NO_SURPLUS
        if self._sell_wh is not None:
            wh = min(wh, self._sell_wh)
            if not wh:
                return Unfit.LIMITED
        fees, short = terms.fees[Side.SELL], terms.short_utok_per_kwh
        paid = self._paid(wh, short, Unfit.SHORTFALL, 0 if self._fees_ntok is None else fees)
        if isinstance(paid, Unfit):
            return paid
        if self._sell_wh is not None:
            self._sell_wh -= paid
        self._surplus_wh = max(0, self._surplus_wh - paid)
        limit = order.limit_utok_per_kwh
        if limit is None:
            limit = terms.tariff.feed_in_utok_per_kwh
        return _bid(placed, limit + fees, paid, is_green=self._room.is_green)

    def _buy(self, placed: Placed) -> Bid | Unfit:
        order, terms = placed.order, self._terms
        wh = _quantity(order.energy_wh, self._deficit_wh, terms.is_ahead)
        if not wh:
            return Unfit.NO_DEFICIT
        fees, short = terms.fees[Side.BUY], terms.short_utok_per_kwh
        limit = order.limit_utok_per_kwh
        if limit is None:
            limit = terms.tariff.retail_utok_per_kwh
        if limit < fees:
            return Unfit.FEES
        if self._buy_wh is not None:
            wh = min(wh, self._buy_wh)
            if not wh:
                return Unfit.LIMITED
        if order.budget_ntok:
            free_ntok = order.budget_ntok - self._room.spent_ntok - self._reserved_ntok
            in_budget_wh = self._cut(wh, free_ntok, limit, Unfit.BUDGET)
            if not in_budget_wh:
                return Unfit.BUDGET
            wh = in_budget_wh
        over_channel = 0 if self._fees_ntok is None else fees
        price = limit - over_channel
        unfit = Unfit.BALANCE if price >= short else Unfit.SHORTFALL
        paid = self._paid(wh, max(price, short), unfit, over_channel)
        if isinstance(paid, Unfit):
            return paid
        self._reserved_ntok += paid * limit
        if self._buy_wh is not None:
            self._buy_wh -= paid
        self._deficit_wh = max(0, self._deficit_wh - paid)
        return _bid(placed, limit - fees, paid)

    def _paid(self, wh: int, worst: int, unfit: Unfit, fees: int) -> int | Unfit:
        """The Wh that both balances cover at these prices, taken from them; or why none."""
        covered_wh = self._cut(wh, self._balance_ntok, worst, unfit)
        if not covered_wh:
            return unfit
        if fees and self._fees_ntok is not None:
            covered_wh = self._cut(covered_wh, self._fees_ntok, fees, Unfit.FEE_BALANCE)
            if not covered_wh:
                return Unfit.FEE_BALANCE
            self._fees_ntok -= covered_wh * fees
        self._balance_ntok -= covered_wh * worst
        return covered_wh

    def _cut(self, wh: int, free_ntok: int, price_utok_per_kwh: int, unfit: Unfit) -> int:
        """The Wh that this covers. Where they are fewer, the reason is kept."""
        if not price_utok_per_kwh:
            return wh
        covered_wh = max(0, free_ntok) // price_utok_per_kwh
        if covered_wh >= wh:
            return wh
        self.cuts.append(f"{covered_wh} of {wh} Wh: {CUTS[unfit]}")
        return covered_wh


def _quantity(order_wh: int, has_wh: int, is_ahead: bool) -> int:
    """What an order asks for of what there is. 0 in an order is all."""
    if not order_wh:
        return has_wh
    return order_wh if is_ahead else min(order_wh, has_wh)


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
