"""A uniform-price double auction: one price at which nobody wants to sell or buy more or less.

Sellers from the lowest limit, buyers from the highest, as far as they meet: that is how much is
traded. A price would do if the last of them would trade at it and the first who did not get all
would trade no more; it is the middle of those, rounded down. Every seller with a lower limit then
sells all and every buyer with a higher one buys all. Bids whose limit is the price itself share
what is left by the community's rule: they gain nothing by trading, so nobody would undo it.

Green: all are cleared together if green sellers then sell as much as buyers of green alone buy.
Else these two are cleared by themselves, and all others by themselves: two prices, the green one
never below the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from energy.clearing.pairing import pair
from energy.clearing.shares import share
from energy.clearing.trades import Bid, Trade
from energy.community.rules import SharingRule

LIMIT = attrgetter("limit_utok_per_kwh")
"""Sorted by it, in either direction, equal bids stay in order of their places."""


@dataclass(frozen=True, slots=True)
class Auction:
    """The price, utok per kWh, and what each bid trades at it, Wh."""

    price_utok_per_kwh: int
    sold: list[int]
    bought: list[int]


def hold_auction(sells: Sequence[Bid], buys: Sequence[Bid], sharing: SharingRule) -> Auction | None:
    """The auction of bids by place, without regard to green; None where no limits meet."""
    rising = sorted(sells, key=LIMIT)
    falling = sorted(buys, key=LIMIT, reverse=True)
    total_wh = i = j = sold_wh = bought_wh = 0
    last_sell = last_buy = 0
    while i < len(rising) and j < len(falling):
        sell, buy = rising[i], falling[j]
        if sell.limit_utok_per_kwh > buy.limit_utok_per_kwh:
            break
        last_sell, last_buy = sell.limit_utok_per_kwh, buy.limit_utok_per_kwh
        wh = min(sell.energy_wh - sold_wh, buy.energy_wh - bought_wh)
        total_wh, sold_wh, bought_wh = total_wh + wh, sold_wh + wh, bought_wh + wh
        if sold_wh == sell.energy_wh:
            i, sold_wh = i + 1, 0
        if bought_wh == buy.energy_wh:
            j, bought_wh = j + 1, 0
    if not total_wh:
        return None
    lowest, highest = last_sell, last_buy
    if j < len(falling):
        lowest = max(lowest, falling[j].limit_utok_per_kwh)
    if i < len(rising):
        highest = min(highest, rising[i].limit_utok_per_kwh)
    price = (lowest + highest) // 2
    sold = _amounts(total_wh, sells, [price - bid.limit_utok_per_kwh for bid in sells], sharing)
    bought = _amounts(total_wh, buys, [bid.limit_utok_per_kwh - price for bid in buys], sharing)
    return Auction(price, sold, bought)


def clear_uniform(
    sells: Sequence[Bid], buys: Sequence[Bid], sharing: SharingRule
) -> tuple[int, list[Trade]]:
    """(price, trades) for bids by place; the price is 0 with two prices, or nothing traded."""
    auction = hold_auction(sells, buys, sharing)
    if auction is None:
        return 0, []
    green_wh = sum(wh for bid, wh in zip(sells, auction.sold, strict=True) if bid.is_green)
    needed_wh = sum(wh for bid, wh in zip(buys, auction.bought, strict=True) if bid.green_only)
    if needed_wh <= green_wh:
        return auction.price_utok_per_kwh, _trades(sells, buys, auction)
    trades: list[Trade] = []
    for is_green in (True, False):
        some_sells = [bid for bid in sells if bid.is_green is is_green]
        some_buys = [bid for bid in buys if bid.green_only is is_green]
        part = hold_auction(some_sells, some_buys, sharing)
        if part is not None:
            trades += _trades(some_sells, some_buys, part)
    prices = {trade.price_utok_per_kwh for trade in trades}
    return prices.pop() if len(prices) == 1 else 0, trades


def _amounts(
    total_wh: int, bids: Sequence[Bid], gains: Sequence[int], sharing: SharingRule
) -> list[int]:
    """All energy of bids that gain per kWh, and shares of the rest for those that gain nothing."""
    amounts = [bid.energy_wh if gain > 0 else 0 for bid, gain in zip(bids, gains, strict=True)]
    at_price = [place for place, gain in enumerate(gains) if gain == 0]
    shares = share(total_wh - sum(amounts), [bids[place].energy_wh for place in at_price], sharing)
    for place, wh in zip(at_price, shares, strict=True):
        amounts[place] = wh
    return amounts


def _trades(sells: Sequence[Bid], buys: Sequence[Bid], auction: Auction) -> list[Trade]:
    price = auction.price_utok_per_kwh
    return [
        Trade(sell.home, buy.home, sell.order, buy.order, wh, price)
        for sell, buy, wh in pair(sells, auction.sold, buys, auction.bought)
    ]
