"""The order book: which orders stand in an interval, folded from orders and cancels as taken.

An order counts for intervals that begin when it has been taken or later, and so does a change or a
cancel: nothing acts backwards. Nothing is forgotten, so the book of any earlier interval, and with
it its clearing, can be made again. A changed order has the place of its change, at the end.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from energy.errors import NotStanding, OrderOver, TooManyOrders, WrongNumber
from energy.intervals import Interval
from energy.orders.order import Cancel, Order

MOST_STANDING = 16
"""Standing orders an account."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placed:
    """An order in the book. `name`: its digest. `place`: time priority, lower first.

    It was taken at `taken_ms` and, where `ended_ms` is not None, changed or cancelled then.
    """

    order: Order
    name: bytes
    place: int
    taken_ms: int
    ended_ms: int | None = None


class Book:
    """Orders of one community. Whoever feeds it has checked the signatures.

    Times (Unix ms, UTC) are those of the journal. One that falls counts as the one before it.
    """

    def __init__(self) -> None:
        self._standing: dict[bytes, Placed] = {}
        self._ended: list[Placed] = []
        self._numbers: dict[int, int] = {}
        self._of_account: dict[int, set[bytes]] = {}
        self._next_place = 0
        self._now_ms = 0

    def next_number(self, account: int) -> int:
        """The number that this account's next order or cancel must have."""
        return self._numbers.get(account, 0) + 1

    def of_account(self, account: int) -> tuple[Placed, ...]:
        """An account's orders that have not been changed or cancelled, by place."""
        names = self._of_account.get(account, set())
        return tuple(sorted((self._standing[name] for name in names), key=lambda one: one.place))

    def take(self, order: Order, name: bytes, time_ms: int) -> Placed:
        """Enter an order by its digest.

        Raises WrongNumber, OrderOver, NotStanding (what it replaces), TooManyOrders; the book is
        then as before.
        """
        now_ms = max(self._now_ms, time_ms)
        self._check_number(order.account, order.number)
        if order.until_ms <= now_ms:
            raise OrderOver(order.until_ms, now_ms)
        if order.replaces:
            self._check_own(order.account, order.replaces, now_ms)
        elif len(self._alive(order.account, now_ms)) >= MOST_STANDING:
            raise TooManyOrders(order.account, MOST_STANDING)
        if order.replaces:
            self._end(order.replaces, now_ms)
        placed = Placed(order, name, self._next_place, now_ms)
        self._next_place += 1
        self._standing[name] = placed
        self._of_account.setdefault(order.account, set()).add(name)
        self._count(order.account, now_ms)
        return placed

    def cancel(self, cancel: Cancel, time_ms: int) -> None:
        """Withdraw an order. Raises WrongNumber, NotStanding; the book is then as before."""
        now_ms = max(self._now_ms, time_ms)
        self._check_number(cancel.account, cancel.number)
        self._check_own(cancel.account, cancel.order, now_ms)
        self._end(cancel.order, now_ms)
        self._count(cancel.account, now_ms)

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

    def _check_own(self, account: int, name: bytes, now_ms: int) -> None:
        placed = self._standing.get(name)
        if placed is None or placed.order.account != account or placed.order.until_ms <= now_ms:
            raise NotStanding(account, name)

    def _alive(self, account: int, now_ms: int) -> list[Placed]:
        return [one for one in self.of_account(account) if one.order.until_ms > now_ms]

    def _end(self, name: bytes, now_ms: int) -> None:
        placed = self._standing.pop(name)
        self._of_account[placed.order.account].discard(name)
        self._ended.append(replace(placed, ended_ms=now_ms))

    def _count(self, account: int, now_ms: int) -> None:
        self._numbers[account] = self.next_number(account)
        self._now_ms = now_ms
