"""Forced queue ops: each applies exactly where its rule says, and is a no-op everywhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.crypto.jubjub import IDENTITY, SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature
from protocol.execute_queue import execute_queue_op
from protocol.queue import (
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    QueueOp,
)
from protocol.state import State
from protocol.trace import QueueTrace
from protocol.vouchers import voucher_message
from tests.protocol.street import (
    ANNA,
    BERT,
    CONTEXT,
    DOMAIN,
    NOW,
    STRANGER,
    WINDOW_S,
    at,
    close,
    closing_street,
    open_street,
    run,
    signed,
    street,
)

LAST_NONCE = 2**32 - 1
VALUE = pack_lane(5, 70)


def no_op(state: State, op: QueueOp) -> QueueTrace:
    before = state.root
    trace = execute_queue_op(state, CONTEXT, op)
    assert not trace.applied
    assert state.root == before
    assert trace.withdrawal is None
    return trace


def claim_op(channel: Channel, lane: Lane = Lane.AB, value: int = VALUE) -> ForcedClaim:
    payer = ANNA if lane is Lane.AB else BERT
    signature = payer.sign(voucher_message(DOMAIN, channel.id, lane, value))
    return ForcedClaim(1, NOW, 0, channel.epoch, lane, value, signature, 99)


# --- accounts --------------------------------------------------------------------------------


def test_a_key_change_replaces_the_key_and_uses_up_a_nonce() -> None:
    state = street()
    op = KeyChange(1, NOW, 0, STRANGER.key_hash, ANNA.l1_address)
    assert execute_queue_op(state, CONTEXT, op).applied
    assert state.account(0) == replace(ANNA.account(nonce=1), key_hash=STRANGER.key_hash)


def test_a_key_change_by_another_sender_or_past_the_last_nonce_is_a_no_op() -> None:
    no_op(street(), KeyChange(1, NOW, 0, 5, BERT.l1_address))
    no_op(street(), KeyChange(1, NOW, 77, 5, 0))
    spent = State.of({0: ANNA.account(nonce=LAST_NONCE)}, {})
    no_op(spent, KeyChange(1, NOW, 0, 5, ANNA.l1_address))


def test_a_key_change_does_not_touch_the_keys_of_open_channels() -> None:
    """⚠ A key change cannot void what was signed."""
    state, channel = open_street()
    op = KeyChange(1, NOW, 0, STRANGER.key_hash, ANNA.l1_address)
    assert execute_queue_op(state, CONTEXT, op).applied
    assert execute_queue_op(state, CONTEXT, claim_op(channel)).applied
    run(state, signed(close(channel, VALUE, 0), ANNA, BERT))


@pytest.mark.parametrize("nonce", [0, LAST_NONCE - 1, LAST_NONCE])
def test_a_forced_exit_pays_the_whole_balance_whatever_the_nonce(nonce: int) -> None:
    state = State.of({0: ANNA.account(balance_ntok=123, nonce=nonce)}, {})
    trace = execute_queue_op(state, CONTEXT, ForcedExit(1, NOW, 0, ANNA.l1_address))
    assert trace.applied
    assert trace.withdrawal is not None
    assert trace.withdrawal.element() == ANNA.l1_address + (123 << 160)
    after = ANNA.account(balance_ntok=0, nonce=min(nonce + 1, LAST_NONCE))
    assert state.account(0) == after


def test_a_forced_exit_of_nothing_applies_and_pays_nothing() -> None:
    state = State.of({0: ANNA.account(balance_ntok=0)}, {})
    trace = execute_queue_op(state, CONTEXT, ForcedExit(1, NOW, 0, ANNA.l1_address))
    assert trace.applied
    assert trace.withdrawal is not None
    assert trace.withdrawal.element() == 0


def test_nobody_forces_another_account_out() -> None:
    no_op(street(), ForcedExit(1, NOW, 0, BERT.l1_address))
    no_op(street(), ForcedExit(1, NOW, 77, 0))


# --- channels --------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Lane))
def test_either_side_starts_a_close_and_the_other_has_its_whole_window(side: Lane) -> None:
    state, channel = open_street()
    accounts = state.accounts_root
    sender = (ANNA, BERT)[side].l1_address
    trace = execute_queue_op(state, at(NOW + 50), ForcedStartClose(1, NOW, 0, 0, side, sender))
    assert trace.applied
    deadline = NOW + 50 + 7_200 + WINDOW_S
    assert state.find_channel(0) == replace(channel, status=Status.CLOSING, deadline=deadline)
    assert state.accounts_root == accounts
    assert trace.account_1 is not None
    assert trace.account_1.index == int(side)


def test_a_close_by_the_other_side_of_another_epoch_or_of_no_open_channel_is_a_no_op() -> None:
    state, _ = open_street()
    anna = ANNA.l1_address
    no_op(state, ForcedStartClose(1, NOW, 0, 0, Lane.BA, anna))
    no_op(state, ForcedStartClose(1, NOW, 0, 1, Lane.AB, anna))
    empty = no_op(state, ForcedStartClose(1, NOW, 1, 0, Lane.AB, anna))
    assert (empty.account_1, empty.account_2) == (None, None)
    closing, _ = closing_street()
    no_op(closing, ForcedStartClose(1, NOW, 0, 0, Lane.AB, anna))


def test_a_deadline_that_would_not_fit_makes_the_close_a_no_op() -> None:
    state, _ = open_street()
    op = ForcedStartClose(1, NOW, 0, 0, Lane.AB, ANNA.l1_address)
    late = 2**40 - 7_200 - WINDOW_S
    assert not execute_queue_op(state, at(late), op).applied
    assert execute_queue_op(state, at(late - 1), op).applied


@pytest.mark.parametrize("lane", list(Lane))
def test_a_forced_claim_raises_its_lane_in_open_and_closing_channels(lane: Lane) -> None:
    for state, channel in (open_street(), closing_street()):
        assert execute_queue_op(state, CONTEXT, claim_op(channel, lane)).applied
        after = state.find_channel(0)
        assert after is not None
        assert (after.lane(lane), after.lane(Lane(1 - lane))) == (VALUE, 0)
        no_op(state, claim_op(channel, lane))


def test_a_forced_claim_with_any_garbage_is_a_no_op() -> None:
    """⚠ Off-curve keys, s >= l, foreign keys, another lane's, channel's or domain's voucher."""
    state, channel = open_street()
    good = claim_op(channel)
    key, r, s = good.signature.key, good.signature.r, good.signature.s
    off = Point(1, 2)
    for bad in (
        Signature(off, r, s),
        Signature(key, off, s),
        Signature(key, r, s + SUBGROUP_ORDER),
        Signature(key, r, s + 1),
        Signature(IDENTITY, IDENTITY, 0),
        Signature(Point(0, 0), Point(0, 0), 0),
        BERT.sign(voucher_message(DOMAIN, channel.id, Lane.AB, VALUE)),
        ANNA.sign(voucher_message(DOMAIN + 1, channel.id, Lane.AB, VALUE)),
        ANNA.sign(voucher_message(DOMAIN, channel.id + (1 << 64), Lane.AB, VALUE)),
    ):
        no_op(state, replace(good, signature=bad))
    no_op(state, replace(good, lane=Lane.BA))
    no_op(state, replace(good, lane_value=VALUE + 1))
    no_op(state, replace(good, epoch=1))
    no_op(state, replace(good, slot=3))
    assert execute_queue_op(state, CONTEXT, good).applied


def test_c5_a_forced_finalize_counts_from_its_own_enqueue_time() -> None:
    state, channel = closing_street()
    op = ForcedFinalize(1, channel.deadline - 1, 0, 0, 99)
    read = no_op(state, op)
    assert (read.account_1 is not None, read.account_2 is not None) == (True, True)
    assert execute_queue_op(state, CONTEXT, claim_op(channel)).applied
    trace = execute_queue_op(state, CONTEXT, replace(op, enqueue_time=channel.deadline))
    assert trace.applied
    assert state.find_channel(0) is None
    assert state.account(1).balance_ntok == BERT.account().balance_ntok + 70
    assert (state.account(1).sold_wh, state.account(0).bought_wh) == (0, 0)


def test_a_forced_finalize_of_an_open_channel_another_epoch_or_an_empty_slot_is_a_no_op() -> None:
    state, channel = closing_street()
    late = channel.deadline
    no_op(state, ForcedFinalize(1, late, 0, 1, 99))
    no_op(state, ForcedFinalize(1, late, 1, 0, 99))
    no_op(open_street()[0], ForcedFinalize(1, 2**40 - 1, 0, 0, 99))


def test_a_forced_finalize_that_would_overflow_a_balance_is_a_no_op() -> None:
    state, channel = closing_street()
    state.write_account(0, replace(state.account(0), balance_ntok=2**64 - 500))
    op = ForcedFinalize(1, channel.deadline, 0, 0, 99)
    no_op(state, op)
    state.write_account(0, replace(state.account(0), balance_ntok=2**64 - 501))
    assert execute_queue_op(state, CONTEXT, op).applied
