"""The plain executor of transactions: one in, the next state and its trace out.

One that does not apply raises an InvalidTransaction or InvalidSignature and changes nothing.
Queue ops have an executor of their own (execute_queue.py).
Ref: docs/protocol.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from protocol import data
from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status, lane_wh
from protocol.crypto.schnorr import Signature, key_hash, verify
from protocol.errors import (
    BadSignature,
    BalanceOverflow,
    ChannelNotClosing,
    ChannelNotOpen,
    DeadlineNotReached,
    DepositsDiffer,
    Expired,
    InsufficientBalance,
    LaneNotHigher,
    NonceExhausted,
    NoOperatorAccount,
    SameParty,
    SlotTaken,
    UnknownChannel,
    WindowOutOfRange,
    WrongKey,
    WrongNonce,
)
from protocol.state import AccountUpdate, State
from protocol.trace import Context, UserTrace, Withdrawal
from protocol.transactions import (
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
)
from protocol.units import (
    AMOUNT_BITS,
    L1_TIME_SLACK_S,
    MAX_WINDOW_S,
    MIN_WINDOW_S,
    NONCE_BITS,
    TIME_BITS,
    TOTAL_WH_BITS,
)


def _check_signed(signature: Signature, expected_key_hash: int, message: int, who: str) -> None:
    if key_hash(signature.key) != expected_key_hash:
        raise WrongKey(who)
    if not verify(signature, message):
        raise BadSignature(who)


def _spend(state: State, index: int, nonce: int, spent_ntok: int) -> Account:
    """The signer's leaf after its nonce grew and `spent_ntok` left it."""
    account = state.account(index)
    if account.nonce != nonce:
        raise WrongNonce(index, account.nonce, nonce)
    if nonce == (1 << NONCE_BITS) - 1:
        raise NonceExhausted(index)
    if account.balance_ntok < spent_ntok:
        raise InsufficientBalance(index, account.balance_ntok, spent_ntok)
    return replace(account, nonce=nonce + 1, balance_ntok=account.balance_ntok - spent_ntok)


def _credit(account: Account, amount_ntok: int, sold_wh: int = 0, bought_wh: int = 0) -> Account:
    if account.balance_ntok + amount_ntok >= 1 << AMOUNT_BITS:
        raise BalanceOverflow("the balance")
    sold, bought = account.sold_wh + sold_wh, account.bought_wh + bought_wh
    if max(sold, bought) >= 1 << TOTAL_WH_BITS:
        raise BalanceOverflow("an energy total")
    return replace(
        account,
        balance_ntok=account.balance_ntok + amount_ntok,
        sold_wh=sold,
        bought_wh=bought,
    )


def _channel(state: State, channel_id: int) -> tuple[int, Channel]:
    slot = state.slot_of(channel_id)
    channel = state.find_channel(slot)
    if channel is None:
        raise UnknownChannel(f"{channel_id:#x}")
    return slot, channel


def _transfer(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(Transfer, tx.body)
    if body.from_index == body.to_index:
        raise SameParty(body.from_index)
    signer = state.account(body.from_index)
    recipient = state.account(body.to_index)
    after = _spend(state, body.from_index, body.nonce, body.amount_ntok + body.fee_ntok)
    _check_signed(tx.signatures[0], signer.key_hash, body.message(context.domain), "the sender")
    credited = _credit(recipient, body.amount_ntok)
    first = state.write_account(body.from_index, after)
    second = state.write_account(body.to_index, credited)
    return UserTrace(tx, 0, first, second, None, data.transfer(body), body.fee_ntok, None)


def _withdraw(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(Withdraw, tx.body)
    signer = state.account(body.index)
    after = _spend(state, body.index, body.nonce, body.amount_ntok + body.fee_ntok)
    _check_signed(tx.signatures[0], signer.key_hash, body.message(context.domain), "the owner")
    first = state.write_account(body.index, after)
    out = Withdrawal(signer.l1_address, body.amount_ntok)
    return UserTrace(tx, 0, first, None, None, data.withdraw(body), body.fee_ntok, out)


def _open(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(Open, tx.body)
    if body.a_index == body.b_index:
        raise SameParty(body.a_index)
    if not MIN_WINDOW_S <= body.window_s <= MAX_WINDOW_S:
        raise WindowOutOfRange(body.window_s)
    signer = state.account(body.a_index)
    peer = state.account(body.b_index)
    slot = state.free_slot() if slot is None else slot
    if state.find_channel(slot) is not None:
        raise SlotTaken(slot)
    after = _spend(state, body.a_index, body.nonce, body.deposit_ntok + body.fee_ntok)
    _check_signed(tx.signatures[0], signer.key_hash, body.message(context.domain), "the opener")
    channel = Channel(
        a_index=body.a_index,
        b_index=body.b_index,
        epoch=body.nonce,
        window_s=body.window_s,
        status=Status.OPEN,
        deadline=0,
        deposit_a_ntok=body.deposit_ntok,
        deposit_b_ntok=0,
        lane_ab=0,
        lane_ba=0,
        key_hash_a=signer.key_hash,
        key_hash_b=peer.key_hash,
    )
    first = state.write_account(body.a_index, after)
    second = state.read_account(body.b_index)
    third = state.write_channel(slot, channel)
    return UserTrace(tx, slot, first, second, third, data.open_(body, slot), body.fee_ntok, None)


def _side_index(channel: Channel, side: Lane) -> int:
    return channel.a_index if side is Lane.AB else channel.b_index


def _top_up(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(TopUp, tx.body)
    at, channel = _channel(state, body.channel_id)
    if channel.status is not Status.OPEN:
        raise ChannelNotOpen(at)
    index = _side_index(channel, body.side)
    signer = state.account(index)
    after = _spend(state, index, body.nonce, body.amount_ntok + body.fee_ntok)
    _check_signed(tx.signatures[0], signer.key_hash, body.message(context.domain), "the payer")
    deposit_a, deposit_b = channel.deposit_a_ntok, channel.deposit_b_ntok
    if body.side is Lane.AB:
        deposit_a += body.amount_ntok
    else:
        deposit_b += body.amount_ntok
    if max(deposit_a, deposit_b) >= 1 << AMOUNT_BITS:
        raise BalanceOverflow("the deposit")
    topped = replace(channel, deposit_a_ntok=deposit_a, deposit_b_ntok=deposit_b)
    first = state.write_account(index, after)
    third = state.write_channel(at, topped)
    return UserTrace(tx, at, first, None, third, data.top_up(body, at), body.fee_ntok, None)


def _claim(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(Claim, tx.body)
    at, channel = _channel(state, body.channel_id)
    if body.lane_value <= channel.lane(body.lane):
        raise LaneNotHigher(int(body.lane), channel.lane(body.lane), body.lane_value)
    message = body.message(context.domain)
    _check_signed(tx.signatures[0], channel.key_hash(body.lane), message, "the payer")
    claimed = (
        replace(channel, lane_ab=body.lane_value)
        if body.lane is Lane.AB
        else replace(channel, lane_ba=body.lane_value)
    )
    third = state.write_channel(at, claimed)
    return UserTrace(tx, at, None, None, third, data.claim(body, at), 0, None)


def _start_close(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(StartClose, tx.body)
    at, channel = _channel(state, body.channel_id)
    if channel.status is not Status.OPEN:
        raise ChannelNotOpen(at)
    index = _side_index(channel, body.side)
    signer = state.account(index)
    after = _spend(state, index, body.nonce, 0)
    _check_signed(tx.signatures[0], signer.key_hash, body.message(context.domain), "the closer")
    deadline = context.l1_time + L1_TIME_SLACK_S + channel.window_s
    if deadline >= 1 << TIME_BITS:
        raise BalanceOverflow("the deadline")
    closing = replace(channel, status=Status.CLOSING, deadline=deadline)
    first = state.write_account(index, after)
    third = state.write_channel(at, closing)
    return UserTrace(tx, at, first, None, third, data.start_close(body, at), 0, None)


def _close(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(Close, tx.body)
    at, channel = _channel(state, body.channel_id)
    if (body.deposit_a_ntok, body.deposit_b_ntok) != (
        channel.deposit_a_ntok,
        channel.deposit_b_ntok,
    ):
        raise DepositsDiffer(at)
    if body.lane_ab < channel.lane_ab:
        raise LaneNotHigher(0, channel.lane_ab, body.lane_ab)
    if body.lane_ba < channel.lane_ba:
        raise LaneNotHigher(1, channel.lane_ba, body.lane_ba)
    message = body.message(context.domain)
    _check_signed(tx.signatures[0], channel.key_hash_a, message, "side A")
    _check_signed(tx.signatures[1], channel.key_hash_b, message, "side B")
    element = data.close(body, at)
    return _pay_out(state, tx, at, channel, body.lane_ab, body.lane_ba, True, element)


def _finalize(state: State, context: Context, tx: Transaction, slot: int | None) -> UserTrace:
    body = cast(Finalize, tx.body)
    at, channel = _channel(state, body.channel_id)
    if channel.status is not Status.CLOSING:
        raise ChannelNotClosing(at)
    if channel.deadline > context.queue_covered:
        raise DeadlineNotReached(channel.deadline, context.queue_covered)
    element = data.finalize(at)
    return _pay_out(state, tx, at, channel, channel.lane_ab, channel.lane_ba, False, element)


def _pay_out(
    state: State,
    tx: Transaction,
    slot: int,
    channel: Channel,
    lane_ab: int,
    lane_ba: int,
    co_signed: bool,
    element: int,
) -> UserTrace:
    """End a channel; energy totals grow only where both signed the energy."""
    payout = channel.payout(lane_ab, lane_ba)
    wh_ab, wh_ba = (lane_wh(lane_ab), lane_wh(lane_ba)) if co_signed else (0, 0)
    a = _credit(state.account(channel.a_index), payout.a_ntok, sold_wh=wh_ba, bought_wh=wh_ab)
    b = _credit(state.account(channel.b_index), payout.b_ntok, sold_wh=wh_ab, bought_wh=wh_ba)
    first = state.write_account(channel.a_index, a)
    second = state.write_account(channel.b_index, b)
    third = state.write_channel(slot, None)
    return UserTrace(tx, slot, first, second, third, element, 0, None)


_Rule = Callable[[State, Context, Transaction, "int | None"], UserTrace]
_RULES: dict[TxType, _Rule] = {
    TxType.TRANSFER: _transfer,
    TxType.WITHDRAW: _withdraw,
    TxType.OPEN: _open,
    TxType.TOP_UP: _top_up,
    TxType.CLAIM: _claim,
    TxType.START_CLOSE: _start_close,
    TxType.CLOSE: _close,
    TxType.FINALIZE: _finalize,
}


def execute(
    state: State, context: Context, transaction: Transaction, slot: int | None = None
) -> UserTrace:
    """Apply a transaction. `slot`: where OPEN puts its channel (default: the lowest free one).

    Raises an InvalidTransaction or InvalidSignature, and then `state` is as it was.
    """
    body = transaction.body
    if not isinstance(body, Claim | Finalize) and context.l1_time > body.valid_until:
        raise Expired(body.valid_until, context.l1_time)
    return _RULES[body.TYPE](state, context, transaction, slot)


def credit_fees(state: State, operator_index: int, fees_ntok: int) -> AccountUpdate:
    """Credit a proof's fees to the operator. Raises NoOperatorAccount, BalanceOverflow."""
    operator = state.find_account(operator_index)
    if operator is None:
        raise NoOperatorAccount(operator_index)
    return state.write_account(operator_index, _credit(operator, fees_ntok))
