"""The plain executor of L1 queue ops: each always processable, a no-op where it does not apply.

Whether an op applies is decided by the op, the old state and the batch's context alone.
Ref: docs/protocol.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status
from protocol.crypto.schnorr import key_hash, verify
from protocol.queue import (
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    OpType,
    QueueOp,
)
from protocol.state import State
from protocol.trace import Context, QueueTrace, Withdrawal
from protocol.units import AMOUNT_BITS, L1_TIME_SLACK_S, NONCE_BITS, TIME_BITS
from protocol.vouchers import voucher_message

_LAST_NONCE = (1 << NONCE_BITS) - 1


def execute_queue_op(state: State, context: Context, op: QueueOp) -> QueueTrace:
    """Apply an L1 queue op; what does not apply is a no-op, never an error.

    Some no-ops cannot happen on L1, whose contract counts accounts and caps the money; the circuit
    does not rely on that.
    """
    return _RULES[op.TYPE](state, context, op)


def _on_account(state: State, op: QueueOp, index: int, after: Account | None) -> QueueTrace:
    if after is None:
        return QueueTrace(op, state.read_account(index), None, None, False, None)
    return QueueTrace(op, state.write_account(index, after), None, None, True, None)


def _new_account(state: State, context: Context, given: QueueOp) -> QueueTrace:
    op = cast(NewAccount, given)
    is_free = state.find_account(op.index) is None
    after = Account(op.key_hash, op.owner, 0, op.amount_ntok, 0, 0) if is_free else None
    return _on_account(state, op, op.index, after)


def _deposit(state: State, context: Context, given: QueueOp) -> QueueTrace:
    op = cast(Deposit, given)
    return _on_account(state, op, op.index, _credited(state.find_account(op.index), op.amount_ntok))


def _credited(account: Account | None, amount_ntok: int) -> Account | None:
    """The account with the amount; None where there is none or it cannot hold so much."""
    if account is None or account.balance_ntok + amount_ntok >= 1 << AMOUNT_BITS:
        return None
    return replace(account, balance_ntok=account.balance_ntok + amount_ntok)


def _key_change(state: State, context: Context, given: QueueOp) -> QueueTrace:
    op = cast(KeyChange, given)
    before, after = state.find_account(op.index), None
    if before and before.l1_address == op.sender and before.nonce != _LAST_NONCE:
        after = replace(before, key_hash=op.key_hash, nonce=before.nonce + 1)
    return _on_account(state, op, op.index, after)


def _forced_exit(state: State, context: Context, given: QueueOp) -> QueueTrace:
    op = cast(ForcedExit, given)
    before = state.find_account(op.index)
    if before is None or before.l1_address != op.sender:
        return _on_account(state, op, op.index, None)
    nonce = min(before.nonce + 1, _LAST_NONCE)
    update = state.write_account(op.index, replace(before, nonce=nonce, balance_ntok=0))
    out = Withdrawal(before.l1_address, before.balance_ntok)
    return QueueTrace(op, update, None, None, True, out)


def _forced_start_close(state: State, context: Context, given: QueueOp) -> QueueTrace:
    op = cast(ForcedStartClose, given)
    channel = state.find_channel(op.slot)
    if channel is None:
        return QueueTrace(op, None, None, state.read_channel(op.slot), False, None)
    index = channel.a_index if op.side is Lane.AB else channel.b_index
    party = state.read_account(index)
    deadline = context.l1_time + L1_TIME_SLACK_S + channel.window_s
    applies = (
        channel.epoch == op.epoch
        and channel.status is Status.OPEN
        and state.account(index).l1_address == op.sender
        and deadline < 1 << TIME_BITS
    )
    after = replace(channel, status=Status.CLOSING, deadline=deadline) if applies else channel
    return QueueTrace(op, party, None, state.write_channel(op.slot, after), applies, None)


def _forced_claim(state: State, context: Context, given: QueueOp) -> QueueTrace:
    op = cast(ForcedClaim, given)
    channel = state.find_channel(op.slot)
    if channel is None or not _claims(context, op, channel):
        return QueueTrace(op, None, None, state.read_channel(op.slot), False, None)
    after = (
        replace(channel, lane_ab=op.lane_value)
        if op.lane is Lane.AB
        else replace(channel, lane_ba=op.lane_value)
    )
    return QueueTrace(op, None, None, state.write_channel(op.slot, after), True, None)


def _claims(context: Context, op: ForcedClaim, channel: Channel) -> bool:
    return (
        channel.epoch == op.epoch
        and op.lane_value > channel.lane(op.lane)
        and key_hash(op.signature.key) == channel.key_hash(op.lane)
        and verify(
            op.signature, voucher_message(context.domain, channel.id, op.lane, op.lane_value)
        )
    )


def _forced_finalize(state: State, context: Context, given: QueueOp) -> QueueTrace:
    op = cast(ForcedFinalize, given)
    channel = state.find_channel(op.slot)
    if channel is None:
        return QueueTrace(op, None, None, state.read_channel(op.slot), False, None)
    payout = channel.payout(channel.lane_ab, channel.lane_ba)
    a = _credited(state.account(channel.a_index), payout.a_ntok)
    b = _credited(state.account(channel.b_index), payout.b_ntok)
    due = (
        channel.epoch == op.epoch
        and channel.status is Status.CLOSING
        and channel.deadline <= op.enqueue_time
    )
    if a is None or b is None or not due:
        first, second = state.read_account(channel.a_index), state.read_account(channel.b_index)
        return QueueTrace(op, first, second, state.read_channel(op.slot), False, None)
    first = state.write_account(channel.a_index, a)
    second = state.write_account(channel.b_index, b)
    return QueueTrace(op, first, second, state.write_channel(op.slot, None), True, None)


_Rule = Callable[[State, Context, QueueOp], QueueTrace]
_RULES: dict[OpType, _Rule] = {
    OpType.NEW_ACCOUNT: _new_account,
    OpType.DEPOSIT: _deposit,
    OpType.KEY_CHANGE: _key_change,
    OpType.FORCED_EXIT: _forced_exit,
    OpType.FORCED_START_CLOSE: _forced_start_close,
    OpType.FORCED_CLAIM: _forced_claim,
    OpType.FORCED_FINALIZE: _forced_finalize,
}
