"""Orders are documents: strict, canonical, signed by the account's key for one rollup."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.canonical import Value, decode, encode
from energy.community.rules import Side
from energy.errors import BadDocument, NotSigned
from energy.orders.order import (
    Cancel,
    Order,
    decode_cancel,
    decode_order,
    encode_cancel,
    encode_order,
)
from energy.signed import Signed, check_signed, message
from protocol.crypto.schnorr import Signer
from tests.energy.orders.household import NOON_MS, name_of, order


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Orders of every form."""
    side = draw(st.sampled_from(Side))
    start_ms = draw(st.integers(0, 2**50))
    return Order(
        draw(st.integers(0, 99)),
        draw(st.integers(1, 2**32 - 1)),
        side,
        draw(st.none() | st.integers(0, 2**32 - 1)),
        draw(st.integers(0, 2**40 - 1)),
        start_ms,
        start_ms + draw(st.integers(1, 2**50)),
        draw(st.integers(0, 1439)),
        draw(st.integers(1, 1440)),
        tuple(draw(st.lists(st.integers(100, 200), max_size=16, unique=True))),
        side is Side.BUY and draw(st.booleans()),
        draw(st.integers(0, 2**63 - 1)) if side is Side.BUY else 0,
        draw(st.binary(min_size=32, max_size=32) | st.just(b"")),
    )


@given(orders())
def test_an_order_comes_back_from_its_bytes(given: Order) -> None:
    """The same one, from the one form it has."""
    assert decode_order(encode_order(given)) == given


def test_a_cancel_comes_back_from_its_bytes() -> None:
    """And is no order."""
    cancel = Cancel(1, 2, name_of(order()))
    assert decode_cancel(encode_cancel(cancel)) == cancel
    with pytest.raises(BadDocument, match="type"):
        decode_order(encode_cancel(cancel))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"account": 1 << 24}, "account"),
        ({"number": 0}, "number"),
        ({"side": "lend"}, "side is 'lend', none of: sell, buy"),
        ({"limit_utok_per_kwh": 1 << 32}, "limit"),
        ({"limit_utok_per_kwh": -1}, "limit"),
        ({"energy_wh": 1 << 40}, "energy_wh"),
        ({"until_ms": NOON_MS}, "until_ms"),
        ({"day_from": 1440}, "day_from"),
        ({"day_until": 0}, "day_until"),
        ({"preferred": [1]}, "own account"),
        ({"preferred": [2, 2]}, "twice"),
        ({"preferred": list(range(2, 19))}, "preferred"),
        ({"preferred": [True]}, "preferred"),
        ({"green_only": True}, "for buyers"),
        ({"budget_ntok": 1}, "for buyers"),
        ({"replaces": b"short"}, "replaces"),
        ({"colour": "blue"}, "unknown fields: colour"),
        ({"type": "cancel"}, "type"),
    ],
)
def test_what_no_household_can_want_is_refused(changed: dict[str, Any], why: str) -> None:
    """With the field that is wrong."""
    fields = decode(encode_order(order()), "order")
    assert isinstance(fields, dict)
    changes: dict[str, Value] = changed
    with pytest.raises(BadDocument, match=why):
        decode_order(encode({**fields, **changes}))


def test_a_missing_field_is_named() -> None:
    """But for the limit, which may be left to the grid's price."""
    fields = decode(encode_order(order(limit_utok_per_kwh=5)), "order")
    assert isinstance(fields, dict)
    without = {name: fields[name] for name in fields if name != "limit_utok_per_kwh"}
    assert decode_order(encode(without)) == order()
    del without["energy_wh"]
    with pytest.raises(BadDocument, match="no field energy_wh"):
        decode_order(encode(without))


def test_only_the_accounts_key_signs_its_order_and_for_one_rollup() -> None:
    """Neither another key, another rollup nor another order passes."""
    signer, other = Signer(7), Signer(8)
    document = encode_order(order())
    signed = Signed(document, signer.sign(message(document, 5), bytes(32)))
    check_signed(signed, 5, 1, signer.key_hash)
    dearer = Signed(encode_order(order(limit_utok_per_kwh=9)), signed.signature)
    for wrong, domain, key_hash in (
        (signed, 6, signer.key_hash),
        (signed, 5, other.key_hash),
        (dearer, 5, signer.key_hash),
    ):
        with pytest.raises(NotSigned):
            check_signed(wrong, domain, 1, key_hash)


@pytest.mark.parametrize(
    ("window", "minutes"),
    [
        ((0, 1440), {0: True, 720: True, 1439: True}),
        ((600, 840), {599: False, 600: True, 839: True, 840: False}),
        ((1320, 360), {1319: False, 1320: True, 0: True, 359: True, 360: False}),
    ],
)
def test_a_window_of_the_day(window: tuple[int, int], minutes: dict[int, bool]) -> None:
    """All day, around noon, or over midnight; and never outside the order's dates."""
    one = order(day_from=window[0], day_until=window[1])
    assert {at: one.stands_at(NOON_MS, at) for at in minutes} == minutes
    assert not one.stands_at(NOON_MS - 1, 700)
    assert not one.stands_at(one.until_ms, 700)
