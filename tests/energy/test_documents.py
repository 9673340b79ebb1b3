"""Documents have one byte string, days have their own number of quarters, shares lose nothing."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.canonical import decode, digest, encode
from energy.errors import BadDocument, BadInterval
from energy.intervals import QUARTER_MS, Interval, day_intervals, interval_at, local_day
from energy.sharing import in_order, largest_remainder

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_document_has_one_byte_string() -> None:
    """Whatever order the fields come in."""
    one = encode({"b": [1, b"x"], "a": "y"})
    assert one == encode({"a": "y", "b": (1, b"x")})
    assert decode(one, "order") == {"a": "y", "b": [1, b"x"]}
    assert len(digest(one)) == 32


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xff",
        cbor2.dumps(1.5),
        cbor2.dumps(None),
        cbor2.dumps({1: 2}),
        b"\x18\x01",
        cbor2.dumps({"b": 1, "a": 2}),
        encode({"a": 1}) + b"\x00",
        b"\x81" * 40 + b"\x01",
        b"\x9f\x01\xff",
    ],
    ids=[
        "empty",
        "broken",
        "float",
        "null",
        "int-key",
        "long",
        "unsorted",
        "trailing",
        "deep",
        "endless",
    ],
)
def test_other_bytes_are_no_document(encoded: bytes) -> None:
    """Floats, other orders of keys, longer forms of a number, and bytes after the end."""
    with pytest.raises(BadDocument, match="no usable order"):
        decode(encoded, "order")


def _list_of(*parts: bytes) -> bytes:
    return bytes([0x98, len(parts)]) + b"".join(parts)


def _many_times_itself() -> bytes:
    """Six lists (tag 28: to be shared), each of the one before it 100 times (tag 29)."""
    lists = [b"\xd8\x1c" + _list_of(*[b"\x01"] * 100)]
    lists += [b"\xd8\x1c" + _list_of(*[bytes([0xD8, 29, at])] * 100) for at in range(6)]
    return _list_of(*lists)


def _long_text_many_times() -> bytes:
    """A text of 10,000 bytes, and 200 references to it (tags 256 and 25)."""
    text = b"\x79\x27\x10" + b"a" * 10_000
    return b"\xd9\x01\x00" + _list_of(text, *[b"\xd8\x19\x00"] * 200)


@pytest.mark.parametrize("encoded", [_many_times_itself(), _long_text_many_times()])
def test_few_bytes_are_not_read_as_many(encoded: bytes) -> None:
    """2 kB that would be 10^14 numbers, a page that would be megabytes: refused at once."""
    with pytest.raises(BadDocument, match="refers to parts of itself"):
        decode(encoded, "order")


@pytest.mark.parametrize("encoded", ["c5821b7fffffffffffffff01", "c4821b7fffffffffffffff01"])
def test_numbers_that_python_cannot_hold_are_refused(encoded: str) -> None:
    """A decimal or binary fraction with an exponent of 2^63."""
    with pytest.raises(BadDocument, match="no usable order"):
        decode(bytes.fromhex(encoded), "order")


def test_a_float_is_not_encoded() -> None:
    """Not even where it is whole."""
    with pytest.raises(BadDocument, match="float"):
        encode({"price": 1.0})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("day", "quarters"),
    [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100), (date(2026, 6, 1), 96)],
)
def test_a_days_quarters(day: date, quarters: int) -> None:
    """A day on which clocks change has 92 or 100; all lie next to each other on the UTC line."""
    found = day_intervals(day, BERLIN)
    assert len(found) == quarters
    for one, following in pairwise(found):
        assert one.end_ms == following.start_ms
        assert interval_at(one.start_ms) == one
        assert local_day(one.start_ms, BERLIN) == day


def test_an_interval_has_a_length() -> None:
    """Nor may it fail to divide the day."""
    with pytest.raises(BadInterval):
        Interval(5, 5)
    with pytest.raises(BadInterval):
        day_intervals(date(2026, 6, 1), BERLIN, QUARTER_MS * 7)


@given(st.lists(st.integers(0, 10**6), min_size=1), st.data())
def test_shares_lose_nothing(weights: list[int], data: st.DataObject) -> None:
    """They add up to the total, and none exceeds what it may take."""
    total = data.draw(st.integers(0, sum(weights)))
    for shares in (largest_remainder(total, weights), in_order(total, weights)):
        assert sum(shares) == total
        assert all(share <= weight for share, weight in zip(shares, weights, strict=True))


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (7, (3, 2, 5), (2, 1, 4)),
        (8, (3, 2, 5), (2, 2, 4)),
        (1, (1, 1), (1, 0)),
        (5, (4, 1, 3, 4), (2, 0, 1, 2)),
        (0, (0, 0), (0, 0)),
    ],
)
def test_the_largest_remainder_gets_what_is_left(
    total: int, weights: tuple[int, ...], shares: tuple[int, ...]
) -> None:
    """Ties go to the lower position: 2.1, 1.4, 3.5; 2.4, 1.6, 4; twice 0.5; and 1.67, 0.42, 1.25,
    1.67, of which 1, 0, 1 and 1 are whole and two are left."""
    assert largest_remainder(total, weights) == shares
