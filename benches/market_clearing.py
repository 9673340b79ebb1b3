"""Clearing: 100,000 orders of one interval, and 10,000 homes over a day, by each of the rules.

    python -m benches.market_clearing [orders, default 100000] [homes, default 10000]
        [intervals of the day, default 96]

The orders stand in the book, their signatures were checked when they were taken. First each is made
the bid that it comes to, then the bids are cleared: a figure for each. Half of the homes sell and
half buy, at limits spread between the grid's prices; one buyer in ten wants green energy alone, one
in three homes has green panels, one in four prefers some neighbours.

The day goes the market's own way (energy/market/rounds.py): what each home's meter shows and what
its channels can carry, bids, limits, the clearing, what the channels can carry of it; then the
settlement, and what it makes everybody owe. Between two intervals all pay and state their funds
anew, which is not timed, nor is reading and signing documents. Each home has an order for each
side, needs energy by night and, every other one, has a surplus by day. In the hub it has a channel
with the community's account, in the mesh that one and ten with its neighbours. One process, so one
core.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from time import perf_counter
from zoneinfo import ZoneInfo

from benches.figures import at_most, beside, best_of, emit
from energy.clearing.clear import clear
from energy.community.community import Community
from energy.community.members import Connection, Member
from energy.community.rules import ClearingRule, Fee, FeeKind, Rules, Side, Tariff, Topology
from energy.intervals import QUARTER_MS, Interval
from energy.market.entries import BEGINNING
from energy.market.funds import ChannelFunds, Funds
from energy.market.purses import Purses
from energy.market.rounds import Means, clear_round
from energy.orders.bidding import Room, bids
from energy.orders.book import Book, Placed
from energy.orders.order import Order
from energy.settlement.dues import Due, Pair, dues
from energy.settlement.flows import Metered
from energy.settlement.settle import settle

ZONE = ZoneInfo("Europe/Berlin")
TARIFF = Tariff(0, 300_000, 80_000, (Fee(FeeKind.GRID, 40_000, Side.BUY),))
START_MS = 1_782_770_400_000
"""Midnight of 30 June 2026 in Berlin."""
INTERVALS = 96
NEIGHBOURS = 10
"""With whom a home of the mesh has a channel."""
FUNDS_NTOK = 10**14
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


def a_community(homes: int, rules: Rules) -> Community:
    """So many homes, every third with green panels; the community's own account comes after."""
    members = tuple(
        Member(home, f"no. {home}", home + 1, Connection(20_000, 20_000), is_green=home % 3 == 0)
        for home in range(homes)
    )
    return Community("bench", 1, homes, homes + 1, str(ZONE), members, (TARIFF,), (rules,))


def a_channel(one: int, other: int) -> ChannelFunds:
    """An open channel of two accounts, with money for a day on both sides."""
    low, high = sorted((one, other))
    return ChannelFunds(low | high << 32 | 1 << 64, True, FUNDS_NTOK, FUNDS_NTOK, 0, 0, 0, 0)


class Stated:
    """What everybody states of its channels: each home's, and the community's with all homes."""

    def __init__(self, homes: int, topology: Topology) -> None:
        self.purses = Purses()
        self._number = 0
        self._lines: dict[int, dict[int, ChannelFunds]] = {homes: {}}
        for home in range(homes):
            peers = [homes]
            if topology is Topology.MESH:
                near = range(1, NEIGHBOURS // 2 + 1)
                peers += [(home + step) % homes for far in near for step in (far, -far)]
            self._lines[home] = {peer: a_channel(home, peer) for peer in peers}
            self._lines[homes][home] = a_channel(homes, home)
        self._state(self._lines)

    def pay(self, owed: Mapping[Pair, Due]) -> None:
        """These pairs' payers pay what they owe in all, and both state their funds anew."""
        for (payer, payee), due in owed.items():
            wh, ntok = due.energy_wh, due.amount_ntok
            out, back = self._lines[payer], self._lines[payee]
            out[payee] = replace(out[payee], paid_wh=wh, paid_ntok=ntok)
            back[payer] = replace(back[payer], got_wh=wh, got_ntok=ntok)
        self._state({account for pair in owed for account in pair})

    def _state(self, accounts: Iterable[int]) -> None:
        self._number += 1
        for account in accounts:
            lines = sorted(self._lines[account].values(), key=lambda one: one.channel_id)
            funds = Funds(account, self._number, START_MS, tuple(lines), 0, BEGINNING)
            self.purses.take(funds)


def one_day(homes: int, rules: Rules, intervals: int = INTERVALS) -> tuple[float, float, int]:
    """Seconds for the clearings of a day's intervals and for their settlements, all Wh traded."""
    rng = random.Random(homes)
    book, owed = Book(), dict[Pair, Due]()
    for home in range(homes):
        for side in Side:
            add_order(book, rng, homes, home, side)
    community, stated = a_community(homes, rules), Stated(homes, rules.topology)
    clearing, settling, traded_wh = 0.0, 0.0, 0
    for place in range(intervals):
        number = place * INTERVALS // intervals
        if intervals < INTERVALS:
            number += INTERVALS // 2  # few of them: by day, when there is something to trade
        is_day = 32 <= number % INTERVALS < 76
        part = interval(number % INTERVALS)
        shown = {}
        for home in range(homes):
            wh = rng.randrange(1, 400)
            exported, imported = (wh, 0) if is_day and home % 2 == 0 else (0, wh)
            shown[home] = Metered(home, part, imported, exported, b"", b"")
        start = perf_counter()
        standing = book.standing(part, ZONE)
        means = Means(stated.purses, owed, {})
        cleared = clear_round(standing, part, shown, community, rules, means)
        between = perf_counter()
        settled = settle(cleared, shown.values(), rules, TARIFF, b"")
        now = dues([settled], rules.topology, community.account)
        for pair, due in now.items():
            owed[pair] = owed.get(pair, Due()) + due
        clearing += between - start
        settling += perf_counter() - between
        stated.pay({pair: owed[pair] for pair in now})
        traded_wh += cleared.traded_wh
    return clearing, settling, traded_wh


def main() -> None:
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    homes = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    intervals = int(sys.argv[3]) if len(sys.argv) > 3 else INTERVALS
    command = f"python -m benches.market_clearing {orders} {homes}"
    if intervals != INTERVALS:
        command += f" {intervals}"
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
        for topology in (Topology.HUB, Topology.MESH):
            chosen = replace(rules, topology=topology)
            seconds, settling, traded_wh = one_day(homes, chosen, intervals)
            print(f"{rule.value}, {topology.value}: {traded_wh} Wh in {intervals} intervals")
            day = f"{homes:,} homes over {intervals} intervals"
            how = f"{rule.value}, {topology.value}"
            limit = 60 * intervals / INTERVALS
            emit(
                [
                    at_most(f"{day} cleared, {how}", seconds, limit, "s", command),
                    beside(f"{day} settled, with dues, {how}", settling, "s", command),
                ]
            )


if __name__ == "__main__":
    main()
