"""The day computed before it happens: what the market will clear, and what each home will owe.

The market's own pure functions over the same readings and orders, with no signatures and with all
the money that may be needed. The market then has to come to the same, from what was signed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from energy.canonical import digest
from energy.clearing.clear import clear
from energy.community.rules import Rules, Tariff
from energy.intervals import Interval
from energy.orders.bidding import Room, bids, net_wh
from energy.orders.book import Book
from energy.orders.order import encode_order
from energy.settlement.dues import NOTHING, Due, Pair, dues
from energy.settlement.flows import FlowKind, Metered, Settlement
from energy.settlement.settle import settle
from wattlane.demo.timeline import Timeline
from wattlane.demo.wishes import Wish

AMPLE_NTOK = 1 << 60
NO_DIGEST = bytes(32)


@dataclass(frozen=True, slots=True)
class Gone:
    """A home whose meter says nothing from the interval of this place on."""

    home: str
    place: int


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Homes are accounts 1, 2, ... in the street's order.

    `settled`: each interval's settlement. `promised_ntok`: for each pair that pays, what its payer
    has promised its payee before each interval, and at last after all: a due that falls again was
    paid all the same.
    """

    homes: tuple[str, ...]
    settled: tuple[Settlement, ...]
    promised_ntok: Mapping[Pair, Sequence[int]]

    def account(self, home: str) -> int:
        """The number of a home here."""
        return 1 + self.homes.index(home)

    def home(self, account: int) -> str:
        """The home of a number."""
        return self.homes[account - 1]

    @property
    def traded_wh(self) -> int:
        """All energy between neighbours."""
        return sum(self.interval_wh(place) for place in range(len(self.settled)))

    def interval_wh(self, place: int) -> int:
        """The energy between neighbours in one interval."""
        flows = self.settled[place].flows
        return sum(flow.energy_wh for flow in flows if flow.kind is FlowKind.TRADE)

    def last_trade_of(self, home: str) -> int:
        """The place of the last interval in which the home trades; -1 if it never does."""
        account, last = self.account(home), -1
        for place, settlement in enumerate(self.settled):
            for flow in settlement.flows:
                if flow.kind is FlowKind.TRADE and account in (flow.payer, flow.payee):
                    last = place
        return last


def rehearse(
    timeline: Timeline,
    wishes: Sequence[Wish],
    rules: Rules,
    tariff: Tariff,
    gone: Gone | None = None,
) -> Rehearsal:
    """The whole day of these homes. `rules`: cleared after the meters have shown an interval."""
    homes = tuple(wish.home for wish in wishes)
    book, accounts = _book(timeline, wishes, homes), {home: 1 + i for i, home in enumerate(homes)}
    index = {time: place for place, time in enumerate(timeline.times_ms)}
    owed: Mapping[Pair, Due] = {}
    settled, promises = [], _Promises()
    for place, interval in enumerate(timeline.intervals):
        here = {
            account: home
            for home, account in accounts.items()
            if gone is None or home != gone.home or place < gone.place
        }
        first = index[interval.start_ms]
        promises.begin()
        for last in range(first + 1, index[interval.end_ms] + 1):
            metered = [
                _metered(timeline, home, account, interval, first, last)
                for account, home in here.items()
            ]
            rooms = {one.home: Room(*net_wh(one), AMPLE_NTOK, is_green=True) for one in metered}
            offered = bids(book.standing(interval, timeline.zone), rooms, rules, tariff)
            clearing = clear(offered.bids, interval, rules, tariff)
            settlement = settle(clearing, metered, rules, tariff, NO_DIGEST)
            running = _sum(owed, dues([settlement], rules.topology, community=0))
            promises.reach(running)
        owed = running
        settled.append(settlement)
    promises.begin()
    return Rehearsal(homes, tuple(settled), promises.before)


class _Promises:
    """The highest due of each pair so far, noted before each interval."""

    def __init__(self) -> None:
        self.before: defaultdict[Pair, list[int]] = defaultdict(list)
        self._highest: dict[Pair, int] = {}
        self._begun = 0

    def begin(self) -> None:
        """Note what was promised before the interval that begins."""
        for pair, highest in self._highest.items():
            self.before[pair].append(highest)
        self._begun += 1

    def reach(self, owed: Mapping[Pair, Due]) -> None:
        """Dues at a reading."""
        for pair, due in owed.items():
            if pair not in self._highest:
                self.before[pair] = [0] * self._begun
            self._highest[pair] = max(self._highest.get(pair, 0), due.amount_ntok)


def _book(timeline: Timeline, wishes: Sequence[Wish], homes: Sequence[str]) -> Book:
    book, accounts = Book(), {home: 1 + place for place, home in enumerate(homes)}
    span = Interval(timeline.times_ms[0], timeline.times_ms[-1])
    for wish in wishes:
        for order in wish.orders(accounts, span):
            book.take(order, digest(encode_order(order)), span.start_ms)
    return book


def _metered(
    timeline: Timeline, home: str, account: int, interval: Interval, first: int, last: int
) -> Metered:
    before, after = timeline.stands[home][first], timeline.stands[home][last]
    return Metered(
        account,
        interval,
        after.import_wh - before.import_wh,
        after.export_wh - before.export_wh,
        NO_DIGEST,
        NO_DIGEST,
    )


def _sum(owed: Mapping[Pair, Due], more: Mapping[Pair, Due]) -> dict[Pair, Due]:
    return {pair: owed.get(pair, NOTHING) + more.get(pair, NOTHING) for pair in {*owed, *more}}
