"""One interval's clearing from the order book: its standing orders, their bids, the trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from energy.clearing.clear import clear
from energy.clearing.trades import Clearing
from energy.community.rules import Rules, Tariff
from energy.intervals import Interval
from energy.orders.bidding import Room, bids
from energy.orders.book import Book


def clear_book(
    book: Book,
    interval: Interval,
    rooms: Mapping[int, Room],
    rules: Rules,
    tariff: Tariff,
    zone: ZoneInfo,
) -> Clearing:
    """The clearing; `left_out` has every standing order that is in no trade, by place."""
    standing = book.standing(interval, zone)
    offered = bids(standing, rooms, rules, tariff)
    cleared = clear(offered.bids, interval, rules, tariff)
    reasons = dict((*offered.left_out, *cleared.left_out))
    left_out = tuple(
        (placed.name, reasons[placed.name]) for placed in standing if placed.name in reasons
    )
    return replace(cleared, left_out=left_out)
