"""Clearing: 100,000 orders of one interval, and 10,000 homes over a day, by each of the rules.

    python -m benches.market_clearing [orders, default 100000] [homes, default 10000]

The orders stand in the book, their signatures were checked when they were taken. First each is made
the bid that it comes to, then the bids are cleared; the day's figure is for both. Half of the homes
sell and half buy, at limits spread between the grid's prices; one buyer in ten wants green energy
alone, one in three homes has green panels, one in four prefers some neighbours. In the day each
home has an order for each side, needs energy by night and, every other one, has a surplus by day.
One process, so one core; the day shared between two would take half.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from time import perf_counter
from zoneinfo import ZoneInfo

from benches.figures import at_most, beside, best_of, emit
from energy.clearing.clear import clear
from energy.community.rules import ClearingRule, Fee, FeeKind, Rules, Side, Tariff
from energy.intervals import QUARTER_MS, Interval
from energy.orders.bidding import Room, bids
from energy.orders.book import Book, Placed
from energy.orders.order import Order

ZONE = ZoneInfo("Europe/Berlin")
TARIFF = Tariff(0, 300_000, 80_000, (Fee(FeeKind.GRID, 40_000, Side.BUY),))
START_MS = 1_782_770_400_000
"""Midnight of 30 June 2026 in Berlin."""
INTERVALS = 96
RUNS = 3


def interval(number: int) -> Interval:
    """A quarter of an hour of the day."""
    return Interval(START_MS + number * QUARTER_MS, START_MS + (number + 1) * QUARTER_MS)


def add_order(book: Book, rng: random.Random, homes: int, home: int, side: Side) -> None:
    """Take an order for all that a home has or needs; some leave the limit to the grid's price."""
    order = Order(
        home,
        book.next_number(home),
        side,
        rng.choice([None, rng.randrange(80_000, 300_000)]),
        0,
        0,
        START_MS + INTERVALS * QUARTER_MS,
        preferred=tuple({rng.randrange(homes) for _ in range(2)} - {home})
        if rng.random() < 0.25
        else (),
        green_only=side is Side.BUY and rng.random() < 0.1,
    )
    book.take(order, rng.randbytes(32), START_MS)


def one_interval(orders: int) -> tuple[list[Placed], dict[int, Room]]:
    """So many standing orders, and what their homes can do."""
    rng = random.Random(orders)
    book, rooms = Book(), {}
    for home in range(orders):
        is_buyer = home % 2 == 1
        add_order(book, rng, orders, home, Side.BUY if is_buyer else Side.SELL)
        wh = rng.randrange(1, 1500)
        surplus_wh, deficit_wh = (0, wh) if is_buyer else (wh, 0)
        rooms[home] = Room(surplus_wh, deficit_wh, 1 << 50, is_green=rng.random() < 0.33)
    return book.standing(interval(0), ZONE), rooms


def one_day(homes: int, rules: Rules) -> tuple[float, int]:
    """Seconds for the clearings of all intervals of a day, and all Wh traded."""
    rng = random.Random(homes)
    book = Book()
    for home in range(homes):
        for side in Side:
            add_order(book, rng, homes, home, side)
    seconds, traded_wh = 0.0, 0
    for number in range(INTERVALS):
        is_day = 32 <= number < 76
        rooms = {}
        for home in range(homes):
            wh = rng.randrange(1, 400)
            surplus_wh, deficit_wh = (wh, 0) if is_day and home % 2 == 0 else (0, wh)
            rooms[home] = Room(surplus_wh, deficit_wh, 1 << 50, is_green=home % 3 == 0)
        start = perf_counter()
        offered = bids(book.standing(interval(number), ZONE), rooms, rules, TARIFF)
        traded_wh += clear(offered.bids, interval(number), rules, TARIFF).traded_wh
        seconds += perf_counter() - start
    return seconds, traded_wh


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    homes = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    command = f"python -m benches.market_clearing {orders} {homes}"
    standing, rooms = one_interval(orders)
    (bidding,) = best_of(RUNS, lambda: bids(standing, rooms, Rules(1, 0), TARIFF))
    emit([beside(f"{orders:,} orders of one interval to bids", bidding, "s", command)])
    offered = bids(standing, rooms, Rules(1, 0), TARIFF)
    for rule in ClearingRule:
        rules = Rules(1, 0, rule)
        cleared = clear(offered.bids, interval(0), rules, TARIFF)
        print(f"{rule.value}: {len(cleared.trades)} trades, {cleared.traded_wh} Wh")
        (seconds,) = best_of(RUNS, partial(clear, offered.bids, interval(0), rules, TARIFF))
        name = f"{orders:,} orders of one interval cleared, {rule.value}"
        emit([at_most(name, seconds, 1, "s", command)])
        seconds, traded_wh = one_day(homes, rules)
        print(f"{rule.value}: {traded_wh} Wh in a day")
        name = f"{homes:,} homes over {INTERVALS} intervals, {rule.value}"
        emit([at_most(name, seconds, 60, "s", command)])


if __name__ == "__main__":
    main()
