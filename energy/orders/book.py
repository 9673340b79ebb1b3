"""The order book: which orders stand in an interval, folded from orders and cancels as taken.

An order counts for intervals that begin when it has been taken or later, and so does a change or a
cancel: nothing acts backwards. Nothing is forgotten, so the book of any earlier interval, and with
it its clearing, can be made again. A changed order has the place of its change, at the end.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from energy.errors import NotStanding, OrderOver, TooManyOrders, WrongNumber
from energy.intervals import Interval
from energy.orders.order import Cancel, Order

MOST_STANDING = 16
"""Standing orders an account."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Ending(Enum):
    """Why an order stands no more."""

    REPLACED = "replaced"
    CANCELLED = "cancelled"
    OVER = "ended"


@dataclass(frozen=True, slots=True)
class Placed:
    """An order in the book. `name`: its digest. `place`: time priority, lower first.

    It was taken at `taken_ms` and stood up to `ended_ms`, if that is known already.
    """

    order: Order
    name: bytes
    place: int
    taken_ms: int
    ended_ms: int | None = None
    ending: Ending | None = None


class Book:
    """Orders of one community. Whoever feeds it has checked the signatures.

    Times (Unix ms, UTC) are those of the journal. One that falls counts as the one before it.
    """

    def __init__(self) -> None:
        self._placed: dict[bytes, Placed] = {}
        self._standing: dict[bytes, Placed] = {}
        self._ended: list[Placed] = []
        self._ends: list[tuple[int, bytes]] = []
        self._numbers: dict[int, int] = {}
        self._of_account: dict[int, list[bytes]] = {}
        self._now_ms = 0

    def next_number(self, account: int) -> int:
        """The number that this account's next order or cancel must have."""
        return self._numbers.get(account, 0) + 1

    def find(self, name: bytes) -> Placed | None:
        """The order of this digest, also one that has ended; None if there never was one."""
        return self._placed.get(name)

    def of_account(self, account: int) -> tuple[Placed, ...]:
        """All orders that an account has ever given, by place."""
        return tuple(self._placed[name] for name in self._of_account.get(account, ()))

    def check(self, order: Order, time_ms: int) -> None:
        """Raises WrongNumber, OrderOver, NotStanding (what it replaces), TooManyOrders."""
        now_ms = self._go_on(time_ms)
        self._check_number(order.account, order.number)
        if order.until_ms <= now_ms:
            raise OrderOver(order.until_ms, now_ms)
        if order.replaces:
            self._check_own(order.account, order.replaces)
        elif self._count_standing(order.account) >= MOST_STANDING:
            raise TooManyOrders(order.account, MOST_STANDING)

    def take(self, order: Order, name: bytes, time_ms: int) -> Placed:
        """Enter an order by its digest. Raises as `check`; no order has then been changed."""
        self.check(order, time_ms)
        now_ms = self._go_on(time_ms)
        if order.replaces:
            self._end(order.replaces, now_ms, Ending.REPLACED)
        placed = Placed(order, name, len(self._placed), now_ms)
        self._placed[name] = self._standing[name] = placed
        self._of_account.setdefault(order.account, []).append(name)
        heapq.heappush(self._ends, (order.until_ms, name))
        self._numbers[order.account] = order.number
        return placed

    def check_cancel(self, cancel: Cancel, time_ms: int) -> None:
        """Raises WrongNumber, NotStanding."""
        self._go_on(time_ms)
        self._check_number(cancel.account, cancel.number)
        self._check_own(cancel.account, cancel.order)

    def cancel(self, cancel: Cancel, time_ms: int) -> None:
        """Withdraw an order. Raises as `check_cancel`; no order has then been changed."""
        self.check_cancel(cancel, time_ms)
        self._end(cancel.order, self._go_on(time_ms), Ending.CANCELLED)
        self._numbers[cancel.account] = cancel.number

    def standing(self, interval: Interval, zone: ZoneInfo) -> list[Placed]:
        """All orders that stand in an interval, by place. `zone`: the community's clock."""
        start_ms = interval.start_ms
        local = (_EPOCH + timedelta(milliseconds=start_ms)).astimezone(zone)
        minute = local.hour * 60 + local.minute
        found = [
            placed
            for placed in self._known_at(start_ms)
            if placed.order.stands_at(start_ms, minute)
        ]
        found.sort(key=lambda placed: placed.place)
        return found

    def _known_at(self, time_ms: int) -> Iterator[Placed]:
        for placed in self._standing.values():
            if placed.taken_ms <= time_ms:
                yield placed
        later = bisect_right(self._ended, time_ms, key=lambda placed: placed.ended_ms or 0)
        for placed in self._ended[later:]:
            if placed.taken_ms <= time_ms:
                yield placed

    def _check_number(self, account: int, number: int) -> None:
        if number != self.next_number(account):
            raise WrongNumber(account, number, self.next_number(account))

    def _check_own(self, account: int, name: bytes) -> None:
        placed = self._standing.get(name)
        if placed is None or placed.order.account != account:
            raise NotStanding(account, name)

    def _count_standing(self, account: int) -> int:
        return sum(name in self._standing for name in self._of_account.get(account, ()))

    def _go_on(self, time_ms: int) -> int:
        """The present, after all orders that are over by then have ended, in order of time."""
        self._now_ms = max(self._now_ms, time_ms)
        while self._ends and self._ends[0][0] <= self._now_ms:
            until_ms, name = heapq.heappop(self._ends)
            if name in self._standing:
                self._end(name, until_ms, Ending.OVER)
        return self._now_ms

    def _end(self, name: bytes, ended_ms: int, ending: Ending) -> None:
        placed = replace(self._standing.pop(name), ended_ms=ended_ms, ending=ending)
        self._placed[name] = placed
        self._ended.append(placed)
