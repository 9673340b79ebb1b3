"""A clearing or a settlement has one byte string, and nothing else is read as one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as bounded

from energy.canonical import decode, digest, encode
from energy.clearing.trades import Clearing
from energy.community.rules import Rules, Tariff
from energy.errors import BadDocument
from energy.settlement.documents import (
    decode_clearing,
    decode_settlement,
    encode_clearing,
    encode_settlement,
)
from energy.settlement.flows import Metered
from energy.settlement.revise import revise
from tests.energy.settlement.examples import (
    BUY_ORDER,
    INTERVAL,
    TARIFF,
    clearing,
    intervals_to_settle,
    metered,
    rules,
    settled,
    trade,
)


@bounded(max_examples=60, deadline=None)
@given(intervals_to_settle())
def test_they_are_read_as_they_were_written(
    example: tuple[Clearing, list[Metered], Rules, Tariff],
) -> None:
    """With adjustments, readings left out, and orders left out."""
    cleared, meters, chosen, tariff = example
    cleared = replace(cleared, left_out=((BUY_ORDER, "no verified reading"),))
    assert decode_clearing(encode_clearing(cleared)) == cleared
    first = settled(cleared, meters, chosen, tariff)
    chain = [first, revise([first], cleared, [], chosen, tariff, INTERVAL.end_ms)]
    for one in chain:
        if one is not None:
            assert decode_settlement(encode_settlement(one)) == one


def test_a_reason_may_name_members_at_length() -> None:
    """Otherwise a long name in the community's file would be a clearing that nobody can read."""
    long = replace(clearing(trade(1, 2, 100)), left_out=((BUY_ORDER, "long" * 400),))
    assert decode_clearing(encode_clearing(long)) == long


def test_any_change_changes_the_digest() -> None:
    """The market's word for an interval is these bytes."""
    one = clearing(trade(1, 2, 500))
    other = clearing(trade(1, 2, 501))
    assert digest(encode_clearing(one)) != digest(encode_clearing(other))


FIRST = settled(
    clearing(trade(1, 2, 500)), [metered(1, 0, 400), metered(2, 500, 0)], rules(), TARIFF
)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"type": "clearing"}, "its type"),
        ({"end_ms": INTERVAL.start_ms}, "no interval"),
        ({"stage": "sure"}, "none of: provisional"),
        ({"before": bytes(32)}, "before"),
        ({"clearing": b"short"}, "clearing"),
        ({"note": "x"}, "unknown fields: note"),
        ({"metered": []}, "no reading, no payment"),
        ({"flows": [{"kind": "gift"}]}, "none of: trade"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_what_cannot_have_been_settled_is_refused(broken: dict[str, object], why: str) -> None:
    """Each defect by its name."""
    value = decode(encode_settlement(FIRST), "settlement")
    assert isinstance(value, dict)
    with pytest.raises(BadDocument, match=why):
        decode_settlement(encode({**value, **broken}))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("field", "given", "why"),
    [
        ("amount_ntok", 1, "energy times its price"),
        ("energy_wh", 0, "energy_wh"),
        ("payee", 7, "home 7"),
        ("payee_outside", "bank", "unknown fields|none of"),
        ("adjusts", "trade", "unknown fields"),
    ],
)
def test_a_flow_that_cannot_be_is_refused(field: str, given: object, why: str) -> None:
    """An amount that is not energy times price, above all."""
    value = decode(encode_settlement(FIRST), "settlement")
    assert isinstance(value, dict)
    flow = {**value["flows"][0], field: given}
    with pytest.raises(BadDocument, match=why):
        decode_settlement(encode({**value, "flows": [flow]}))


def test_homes_stand_in_order_and_once() -> None:
    """So that one settlement has one byte string."""
    swapped = replace(FIRST, metered=FIRST.metered[::-1])
    with pytest.raises(BadDocument, match="in order"):
        decode_settlement(encode_settlement(swapped))


def test_nobody_trades_with_oneself() -> None:
    """Nor is a trade without energy one."""
    for bad in (trade(1, 1, 5), trade(1, 2, 0)):
        with pytest.raises(BadDocument):
            decode_clearing(encode_clearing(clearing(bad)))
