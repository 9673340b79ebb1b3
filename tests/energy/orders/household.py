"""Orders of households, as they would state them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from energy.canonical import digest
from energy.community.rules import Side
from energy.intervals import Interval
from energy.orders.book import Book
from energy.orders.order import Order, encode_order

BERLIN = ZoneInfo("Europe/Berlin")
NOON_MS = 1_782_813_600_000
"""12:00 on 30 June 2026 in Berlin."""
QUARTER = Interval(NOON_MS, NOON_MS + 900_000)


def order(account: int = 1, side: Side = Side.SELL, number: int = 1, **others: Any) -> Order:
    """An order for all, at the grid's price, standing for a day from noon."""
    fields: dict[str, Any] = {
        "limit_utok_per_kwh": None,
        "energy_wh": 0,
        "from_ms": NOON_MS,
        "until_ms": NOON_MS + 86_400_000,
    }
    return Order(account, number, side, **(fields | others))


def name_of(given: Order) -> bytes:
    """Its digest."""
    return digest(encode_order(given))


def book_of(*orders: Order, time_ms: int = NOON_MS) -> Book:
    """A book with these orders, all taken at one time."""
    book = Book()
    for one in orders:
        book.take(one, name_of(one), time_ms)
    return book
