"""An executor that refuses nothing: the best that a cheating prover could put into a slot.

It follows protocol.execute's effects and leaves out each of its checks, so that a slot made from
its trace breaks the rules that the transaction breaks and no others. Leaves are made unchecked,
balances wrap around r as they would in a circuit without ranges.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TypeVar

from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status, lane_paid_ntok, lane_wh
from protocol.crypto.field import R
from protocol.queue import (
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    QueueOp,
)
from protocol.state import AccountUpdate, ChannelUpdate, State
from protocol.trace import Context, UserTrace
from protocol.transactions import (
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import L1_TIME_SLACK_S

Leaf = TypeVar("Leaf", Account, Channel)
_NOBODY = Account(0, 0, 0, 0, 0, 0)
_MADE_UP = Channel(0, 1, 0, 86_400, Status.OPEN, 0, 50, 0, 0, 0, 0, 0)


def unchecked(leaf: Leaf, **changes: object) -> Leaf:
    """A copy of a leaf with fields that its own constructor might refuse."""
    copy: Leaf = object.__new__(type(leaf))
    for field in fields(leaf):
        value = changes.get(field.name, getattr(leaf, field.name))
        object.__setattr__(copy, field.name, value)
    return copy


def lenient_trace(
    state: State, context: Context, transaction: Transaction, slot: int | None = None
) -> UserTrace:
    """The trace of a transaction that is taken as it is; `state` stays as it was."""
    state = state.copy()
    first = second = None
    third: ChannelUpdate | None = None
    match transaction.body:
        case Transfer() as body:
            first = change_account(state, body.from_index, 1, -body.amount_ntok - body.fee_ntok)
            second = change_account(state, body.to_index, 0, body.amount_ntok)
        case Withdraw() as body:
            first = change_account(state, body.index, 1, -body.amount_ntok - body.fee_ntok)
        case Open() as body:
            first, second, third = _open(state, body, slot)
        case TopUp() as body:
            at, channel = _channel(state, body.channel_id)
            first = change_account(
                state, _side(channel, body.side), 1, -body.amount_ntok - body.fee_ntok
            )
            third = _write(state, at, channel, channel)
        case Claim() as body:
            at, channel = _channel(state, body.channel_id)
            lane = "lane_ab" if body.lane is Lane.AB else "lane_ba"
            third = _write(state, at, channel, unchecked(channel, **{lane: body.lane_value}))
        case StartClose() as body:
            at, channel = _channel(state, body.channel_id)
            first = change_account(state, _side(channel, body.side), 1, 0)
            due = context.l1_time + L1_TIME_SLACK_S + channel.window_s
            third = _write(state, at, channel, unchecked(channel, deadline=due))
        case Close() as body:
            at, channel = _channel(state, body.channel_id)
            first, second = _pay_out(state, channel, body.lane_ab, body.lane_ba, True)
            third = _write(state, at, channel, None)
        case Finalize() as body:
            at, channel = _channel(state, body.channel_id)
            first, second = _pay_out(state, channel, channel.lane_ab, channel.lane_ba, False)
            third = _write(state, at, channel, None)
    return UserTrace(transaction, slot or 0, first, second, third, 0, 0, None)


def change_account(
    state: State, index: int, nonce: int, gained_ntok: int, sold_wh: int = 0, bought_wh: int = 0
) -> AccountUpdate:
    """Write what an account becomes, whether it may or not."""
    before = state.find_account(index)
    leaf = before or _NOBODY
    after = unchecked(
        leaf,
        nonce=leaf.nonce + nonce,
        balance_ntok=(leaf.balance_ntok + gained_ntok) % R,
        sold_wh=leaf.sold_wh + sold_wh,
        bought_wh=leaf.bought_wh + bought_wh,
    )
    written = state.write_account(index, after)
    return AccountUpdate(index, before, after, written.siblings)


def _channel(state: State, channel_id: int) -> tuple[int, Channel]:
    """The channel with this id, or one made up for it at a place that is free."""
    mask = (1 << 32) - 1
    for slot, channel in state.channels.items():
        if channel.id == channel_id:
            return slot, channel
    a, b, epoch = (channel_id >> shift & mask for shift in (0, 32, 64))
    keys = [(state.find_account(index) or _NOBODY).key_hash for index in (a, b)]
    made_up = Channel(0, 0, 0, 86_400, Status.OPEN, 0, 0, 0, 0, 0, *keys)
    return state.free_slot(), unchecked(made_up, a_index=a, b_index=b, epoch=epoch)


def _side(channel: Channel, side: Lane) -> int:
    return channel.a_index if side is Lane.AB else channel.b_index


def _write(state: State, slot: int, before: Channel, after: Channel | None) -> ChannelUpdate:
    return ChannelUpdate(slot, before, after, state.channel_siblings(slot))


def _open(
    state: State, body: Open, slot: int | None
) -> tuple[AccountUpdate, AccountUpdate, ChannelUpdate]:
    at = state.free_slot() if slot is None else slot
    opener = state.find_account(body.a_index) or _NOBODY
    peer = state.find_account(body.b_index) or _NOBODY
    first = change_account(state, body.a_index, 1, -body.deposit_ntok - body.fee_ntok)
    second = change_account(state, body.b_index, 0, 0)
    channel = Channel(
        body.a_index,
        body.b_index,
        opener.nonce,
        body.window_s,
        Status.OPEN,
        0,
        body.deposit_ntok,
        0,
        0,
        0,
        opener.key_hash,
        peer.key_hash,
    )
    return first, second, ChannelUpdate(at, None, channel, state.channel_siblings(at))


def _pay_out(
    state: State, channel: Channel, lane_ab: int, lane_ba: int, co_signed: bool
) -> tuple[AccountUpdate, AccountUpdate]:
    total = channel.deposit_a_ntok + channel.deposit_b_ntok
    net = channel.deposit_b_ntok + lane_paid_ntok(lane_ab) - lane_paid_ntok(lane_ba)
    b_ntok = min(max(net, 0), total)
    ab, ba = (lane_wh(lane_ab), lane_wh(lane_ba)) if co_signed else (0, 0)
    first = change_account(state, channel.a_index, 0, total - b_ntok, sold_wh=ba, bought_wh=ab)
    second = change_account(state, channel.b_index, 0, b_ntok, sold_wh=ab, bought_wh=ba)
    return first, second


def lenient_queue_effect(state: State, context: Context, op: QueueOp) -> None:
    """What a queue op would do if it were let, whatever speaks against it; `state` moves on."""
    match op:
        case NewAccount():
            before = state.find_account(op.index) or _NOBODY
            owner = {"key_hash": op.key_hash, "l1_address": op.owner}
            balance_ntok = before.balance_ntok + op.amount_ntok
            state.write_account(op.index, unchecked(before, **owner, balance_ntok=balance_ntok))
        case Deposit():
            change_account(state, op.index, 0, op.amount_ntok)
        case KeyChange():
            changed = change_account(state, op.index, 1, 0).after
            assert changed is not None
            state.write_account(op.index, unchecked(changed, key_hash=op.key_hash))
        case ForcedExit():
            left = (state.find_account(op.index) or _NOBODY).balance_ntok
            change_account(state, op.index, 1, -left)
        case ForcedStartClose():
            channel = state.find_channel(op.slot) or _MADE_UP
            due = context.l1_time + L1_TIME_SLACK_S + channel.window_s
            closing = unchecked(channel, status=Status.CLOSING, deadline=due)
            state.write_channel(op.slot, closing)
        case ForcedClaim():
            lane = "lane_ab" if op.lane is Lane.AB else "lane_ba"
            channel = state.find_channel(op.slot) or _MADE_UP
            state.write_channel(op.slot, unchecked(channel, **{lane: op.lane_value}))
        case ForcedFinalize():
            channel = state.find_channel(op.slot) or _MADE_UP
            _pay_out(state, channel, channel.lane_ab, channel.lane_ba, False)
            state.write_channel(op.slot, None)
