"""Accounts, channels, vouchers, transactions and queue ops refuse each field that does not fit."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.accounts import Account
from protocol.channels import (
    Channel,
    Lane,
    Status,
    channel_id,
    lane_paid_ntok,
    lane_wh,
    pack_lane,
)
from protocol.crypto.field import R
from protocol.crypto.jubjub import IDENTITY
from protocol.crypto.schnorr import Signature
from protocol.errors import Malformed, OutOfRange
from protocol.queue import Deposit, NewAccount, rolling_hash
from protocol.trace import Context, Withdrawal
from protocol.transactions import (
    SIGNATURES,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    TxType,
    Withdraw,
    domain_and_expiry,
)
from protocol.vouchers import Voucher, voucher_message

ANY = Signature(IDENTITY, IDENTITY, 0)
ACCOUNT = Account(1, 2, 3, 4, 5, 6)
CHANNEL = Channel(1, 2, 3, 4, Status.OPEN, 5, 6, 7, 8, 9, 10, 11)
BITS = {
    "key_hash": R,
    "key_hash_a": R,
    "key_hash_b": R,
    "l1_address": 160,
    "owner": 160,
    "payer": 160,
    "nonce": 32,
    "epoch": 32,
    "window_s": 32,
    "fee_ntok": 32,
    "balance_ntok": 64,
    "amount_ntok": 64,
    "deposit_ntok": 64,
    "deposit_a_ntok": 64,
    "deposit_b_ntok": 64,
    "number": 64,
    "sold_wh": 96,
    "bought_wh": 96,
    "lane_ab": 96,
    "lane_ba": 96,
    "lane_value": 96,
    "channel_id": 96,
    "deadline": 40,
    "valid_until": 40,
    "enqueue_time": 40,
    "l1_time": 40,
    "queue_covered": 40,
    "domain": 128,
    "index": 24,
    "from_index": 24,
    "to_index": 24,
    "a_index": 24,
    "b_index": 24,
}
RECORDS: list[Any] = [
    ACCOUNT,
    CHANNEL,
    Transfer(1, 2, 3, 4, 5, 6),
    Withdraw(1, 2, 3, 4, 5),
    Open(1, 2, 3, 4, 5, 6, 7),
    TopUp(1, Lane.AB, 2, 3, 4, 5),
    Claim(1, Lane.AB, 2),
    StartClose(1, Lane.AB, 2, 3),
    Close(1, 2, 3, 4, 5, 6),
    Finalize(1),
    Voucher(1, Lane.AB, 2, ANY),
    NewAccount(1, 2, 3, 4, 5, 6, 7),
    Deposit(1, 2, 3, 4, 5),
    Context(1, 2, 3),
]
CASES = [
    (record, field.name)
    for record in RECORDS
    for field in fields(record)
    if field.name != "signature"
]


@pytest.mark.parametrize(
    ("record", "field"), CASES, ids=[f"{type(one).__name__}.{field}" for one, field in CASES]
)
def test_a_field_takes_its_largest_value_and_nothing_beyond(record: Any, field: str) -> None:
    largest: Any
    beyond: list[Any]
    if field in ("side", "lane"):
        largest, beyond = Lane.BA, [0, 1, 2, Status.OPEN, None]
    elif field == "status":
        largest, beyond = Status.CLOSING, [0, 1, 3, Lane.BA, None]
    else:
        limit = BITS[field] if BITS[field] == R else 1 << BITS[field]
        largest, beyond = limit - 1, [limit, -1, True, 1.5, "1", None]
    assert getattr(replace(record, **{field: largest}), field) == largest
    for bad in beyond:
        with pytest.raises(OutOfRange):
            replace(record, **{field: bad})


def test_records_cannot_be_changed() -> None:
    for record in RECORDS:
        with pytest.raises(AttributeError):
            setattr(record, fields(record)[0].name, 1)


def test_every_field_of_a_leaf_is_in_its_hash() -> None:
    leaf: Any
    for leaf in (ACCOUNT, CHANNEL):
        hashes = {leaf.leaf_hash()}
        for field in fields(leaf):
            now = getattr(leaf, field.name)
            other = Status.CLOSING if field.name == "status" else now + 100
            hashes.add(replace(leaf, **{field.name: other}).leaf_hash())
        assert len(hashes) == 1 + len(fields(leaf))


def test_every_field_of_a_body_is_in_its_message() -> None:
    for body in RECORDS[2:9]:
        messages = {body.message(9), body.message(10)}
        for field in fields(body):
            now = getattr(body, field.name)
            other = Lane.BA if field.name in ("side", "lane") else now + 100
            messages.add(replace(body, **{field.name: other}).message(9))
        assert len(messages) == 2 + len(fields(body))


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**56 - 1))
def test_a_lane_unpacks_to_what_was_packed(energy_wh: int, paid_ntok: int) -> None:
    lane = pack_lane(energy_wh, paid_ntok)
    assert (lane_wh(lane), lane_paid_ntok(lane)) == (energy_wh, paid_ntok)
    assert lane < 2**96


@pytest.mark.parametrize(("energy_wh", "paid_ntok"), [(2**40, 0), (0, 2**56), (-1, 0), (0, -1)])
def test_a_lane_that_overflows_is_refused_and_never_carries(energy_wh: int, paid_ntok: int) -> None:
    with pytest.raises(OutOfRange):
        pack_lane(energy_wh, paid_ntok)


def test_channel_ids_are_distinct_where_any_part_differs() -> None:
    ids = {channel_id(a, b, e) for a in (0, 1, 2**24 - 1) for b in (0, 1, 9) for e in (0, 1, 9)}
    assert len(ids) == 27
    for bad in ((2**24, 0, 0), (0, 2**24, 0), (0, 0, 2**32)):
        with pytest.raises(OutOfRange):
            channel_id(*bad)


@given(*[st.integers(0, 2**64 - 1)] * 2, *[st.integers(0, 2**56 - 1)] * 2)
def test_a_payout_adds_up_and_follows_the_lanes_inside_the_deposits(
    deposit_a: int, deposit_b: int, paid_ab: int, paid_ba: int
) -> None:
    channel = replace(CHANNEL, deposit_a_ntok=deposit_a, deposit_b_ntok=deposit_b)
    payout = channel.payout(pack_lane(7, paid_ab), pack_lane(9, paid_ba))
    assert payout.a_ntok + payout.b_ntok == deposit_a + deposit_b
    assert min(payout.a_ntok, payout.b_ntok) >= 0
    net = deposit_b + paid_ab - paid_ba
    if 0 <= net <= deposit_a + deposit_b:
        assert payout.b_ntok == net


def test_sides_lanes_and_keys_go_together() -> None:
    assert (CHANNEL.lane(Lane.AB), CHANNEL.lane(Lane.BA)) == (8, 9)
    assert (CHANNEL.key_hash(Lane.AB), CHANNEL.key_hash(Lane.BA)) == (10, 11)
    assert CHANNEL.id == channel_id(1, 2, 3)
    assert [int(one) for one in Lane] == [0, 1]


def test_a_voucher_signs_what_a_claim_presents() -> None:
    voucher = Voucher(5, Lane.BA, 6, ANY)
    assert (
        voucher.message(9) == Claim(5, Lane.BA, 6).message(9) == voucher_message(9, 5, Lane.BA, 6)
    )
    with pytest.raises(OutOfRange):
        voucher_message(2**128, 5, Lane.BA, 6)
    with pytest.raises(OutOfRange):
        voucher_message(9, 5, 1, 6)  # type: ignore[arg-type]


def test_domain_and_expiry_stand_side_by_side() -> None:
    assert domain_and_expiry(2**128 - 1, 1) == 2**129 - 1
    for bad in ((2**128, 0), (0, 2**40)):
        with pytest.raises(OutOfRange):
            domain_and_expiry(*bad)


@pytest.mark.parametrize("body", RECORDS[2:10], ids=lambda one: type(one).__name__)
def test_a_transaction_carries_as_many_signatures_as_its_type_says(body: Any) -> None:
    needed = SIGNATURES[body.TYPE]
    Transaction(body, (ANY,) * needed)
    for count in {0, 1, 2, 3} - {needed}:
        with pytest.raises(Malformed, match=body.TYPE.name):
            Transaction(body, (ANY,) * count)
    assert set(SIGNATURES) == set(TxType) - {TxType.NOOP}


def test_the_rolling_hash_depends_on_every_field_and_on_order() -> None:
    one, two = NewAccount(1, 2, 3, 4, 5, 6, 7), Deposit(1, 2, 3, 4, 5)
    start = bytes(32)
    hashes = {rolling_hash(start, one), rolling_hash(start, two)}
    for op in (one, two):
        for field in fields(op):
            if field.name != "number":
                other = replace(op, **{field.name: getattr(op, field.name) + 1})
                hashes.add(rolling_hash(start, other))
    assert len(hashes) == 2 + 6 + 4
    assert rolling_hash(rolling_hash(start, one), two) != rolling_hash(
        rolling_hash(start, two), one
    )


def test_a_context_and_a_withdrawal_become_one_element_each() -> None:
    assert Context(1, 2, 3).element() == 1 + (2 << 128) + (3 << 168)
    assert Withdrawal(7, 9).element() == 7 + (9 << 160)
    assert Withdrawal(7, 0).element() == 0
