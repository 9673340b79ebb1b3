"""The book: nothing twice, nothing backwards, nothing forgotten."""

from __future__ import annotations

from datetime import datetime

import pytest

from energy.community.rules import Side
from energy.errors import NotStanding, OrderOver, TooManyOrders, WrongNumber
from energy.intervals import Interval, interval_at
from energy.orders.book import MOST_STANDING, Book, Ending
from energy.orders.order import Cancel
from tests.energy.orders.household import BERLIN, NOON_MS, QUARTER, book_of, name_of, order

QUARTER_MS = 900_000
LATER = Interval(NOON_MS + QUARTER_MS, NOON_MS + 2 * QUARTER_MS)
LATEST = Interval(NOON_MS + 2 * QUARTER_MS, NOON_MS + 3 * QUARTER_MS)


def standing(book: Book, interval: Interval) -> list[bytes]:
    """Names of the orders that stand."""
    return [placed.name for placed in book.standing(interval, BERLIN)]


def test_an_order_counts_from_the_next_interval_on() -> None:
    """Not in the one in which it came, whose meters one could have looked at before."""
    first, second = order(1), order(2, Side.BUY)
    book = book_of(first)
    book.take(second, name_of(second), NOON_MS + 1)
    assert standing(book, QUARTER) == [name_of(first)]
    assert standing(book, LATER) == [name_of(first), name_of(second)]


def test_a_change_takes_the_place_at_the_end_and_the_past_stays() -> None:
    """The interval in which it came still has the order as it was, also when asked later."""
    first, other = order(1), order(2)
    changed = order(1, number=2, limit_utok_per_kwh=7, replaces=name_of(first))
    book = book_of(first, other)
    book.take(changed, name_of(changed), NOON_MS + 5)
    assert standing(book, QUARTER) == [name_of(first), name_of(other)]
    assert standing(book, LATER) == [name_of(other), name_of(changed)]
    assert [placed.ending for placed in book.of_account(1)] == [Ending.REPLACED, None]


def test_a_cancelled_order_stands_no_more() -> None:
    """From the next interval on, and it cannot be cancelled or changed again."""
    first = order(1)
    book = book_of(first)
    book.cancel(Cancel(1, 2, name_of(first)), NOON_MS + QUARTER_MS)
    assert standing(book, QUARTER) == [name_of(first)]
    assert standing(book, LATER) == standing(book, LATEST) == []
    with pytest.raises(NotStanding, match=name_of(first).hex()):
        book.cancel(Cancel(1, 3, name_of(first)), NOON_MS + QUARTER_MS)
    again = order(1, number=3, replaces=name_of(first))
    with pytest.raises(NotStanding):
        book.take(again, name_of(again), NOON_MS + QUARTER_MS)
    assert book.next_number(1) == 3
    found = book.find(name_of(first))
    assert found is not None
    assert (found.ending, found.ended_ms) == (Ending.CANCELLED, NOON_MS + QUARTER_MS)


def test_nobody_ends_a_neighbours_order() -> None:
    """Whether by a cancel or by a change."""
    first = order(1)
    book = book_of(first)
    theft = order(2, replaces=name_of(first))
    with pytest.raises(NotStanding):
        book.cancel(Cancel(2, 1, name_of(first)), NOON_MS)
    with pytest.raises(NotStanding):
        book.take(theft, name_of(theft), NOON_MS)
    assert standing(book, QUARTER) == [name_of(first)]


@pytest.mark.parametrize("number", [1, 3])
def test_numbers_go_up_by_one(number: int) -> None:
    """An order given again, or one too far ahead, is refused by the number that would do."""
    book = book_of(order(1))
    with pytest.raises(WrongNumber, match="has number 2"):
        book.take(order(1, number=number), b"x", NOON_MS)
    with pytest.raises(WrongNumber):
        book.cancel(Cancel(1, number, name_of(order(1))), NOON_MS)


def test_an_order_that_is_over_is_not_taken() -> None:
    """By the journal's clock; a clock that falls back counts as standing still."""
    book = book_of(order(2), time_ms=NOON_MS + 2)
    late = order(1, until_ms=NOON_MS + 1)
    with pytest.raises(OrderOver):
        book.take(late, name_of(late), NOON_MS)
    assert standing(book, QUARTER) == []


def test_orders_that_are_over_stay_in_the_book_of_their_time() -> None:
    """Whatever came between, the book of an earlier interval is as it was."""
    brief = [order(1 + i, until_ms=NOON_MS + QUARTER_MS * (2 - i % 2)) for i in range(4)]
    book = book_of(*brief)
    before = [standing(book, interval) for interval in (QUARTER, LATER, LATEST)]
    assert before == [[name_of(o) for o in brief], [name_of(o) for o in brief[::2]], []]
    book.cancel(Cancel(1, 2, name_of(brief[0])), NOON_MS + QUARTER_MS)
    last = order(9)
    book.take(last, name_of(last), NOON_MS + 2 * QUARTER_MS)
    after = [standing(book, interval) for interval in (QUARTER, LATER, LATEST)]
    assert after == [before[0], [name_of(brief[2])], [name_of(last)]]
    assert {placed.ending for i in (2, 3, 4) for placed in book.of_account(i)} == {Ending.OVER}


def test_an_account_has_so_many_orders_and_no_more() -> None:
    """Those that are over do not count, and one may always be changed."""
    short = order(1, until_ms=NOON_MS + 1)
    others = [order(1, number=2 + i) for i in range(MOST_STANDING - 1)]
    book = book_of(short, *others)
    one_more = order(1, number=MOST_STANDING + 1)
    with pytest.raises(TooManyOrders, match="change or cancel"):
        book.take(one_more, name_of(one_more), NOON_MS)
    book.take(one_more, name_of(one_more), NOON_MS + 1)
    change = order(1, number=MOST_STANDING + 2, replaces=name_of(one_more))
    book.take(change, name_of(change), NOON_MS + 1)
    assert len(standing(book, LATER)) == MOST_STANDING


@pytest.mark.parametrize(
    ("local", "stands"),
    [
        ("2026-10-25T01:45+02:00", False),
        ("2026-10-25T02:15+02:00", True),
        ("2026-10-25T02:15+01:00", True),
        ("2026-10-25T03:00+01:00", False),
    ],
)
def test_a_window_follows_the_communitys_clock(local: str, stands: bool) -> None:
    """The hour that comes twice in autumn is in a window of its minutes twice."""
    at_ms = int(datetime.fromisoformat(local).timestamp()) * 1000
    night = order(1, from_ms=0, until_ms=at_ms + QUARTER_MS, day_from=120, day_until=180)
    book = book_of(night, time_ms=0)
    assert bool(standing(book, interval_at(at_ms))) is stands
