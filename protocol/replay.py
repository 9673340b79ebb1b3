"""Rebuild the state from what L1 holds: the old state, queue ops, data elements, context.

No signature, nonce or expiry is here to check: the proof did that. Every other rule is checked
again, so whoever replays would notice a circuit that let one pass. Replaying gives the same root,
bit for bit, or raises ReplayMismatch. Ref: docs/protocol.md section 5 and invariant C6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from protocol.channels import Channel, Lane, Status, lane_wh
from protocol.data import DataRecord, unpack, unpack_header
from protocol.errors import (
    ChannelNotClosing,
    ChannelNotOpen,
    DeadlineNotReached,
    InsufficientBalance,
    LaneNotHigher,
    ProtocolError,
    ReplayMismatch,
    SameParty,
    SlotTaken,
    UnknownChannel,
    WindowOutOfRange,
)
from protocol.execute import credit_fees
from protocol.execute_queue import execute_queue_op
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context, Withdrawal
from protocol.transactions import TxType
from protocol.units import L1_TIME_SLACK_S, MAX_WINDOW_S, MIN_WINDOW_S


@dataclass(frozen=True, slots=True)
class Replayed:
    """What each used queue slot and each user slot of a proof paid out."""

    queue: tuple[Withdrawal | None, ...]
    users: tuple[Withdrawal | None, ...]


def _nobody(_record: DataRecord) -> None:
    """Nobody watches."""


def replay_proof(
    state: State,
    context: Context,
    ops: Sequence[QueueOp],
    data: Sequence[int],
    watch: Callable[[DataRecord], None] = _nobody,
) -> Replayed:
    """Apply one proof's data to `state`; returns what its slots paid out.

    `watch` is given each user slot's record while `state` is as it stands before it.

    `ops` are the queue's next ops, at least as many as the header says were consumed. Raises
    ReplayMismatch where the data does not make sense on this state, which is then half changed.
    """
    if not data:
        raise ReplayMismatch("the proof has no data elements, not even its header")
    try:
        operator_index, consumed = unpack_header(data[0])
        if consumed > len(ops):
            raise ReplayMismatch(f"{consumed} queue ops were consumed, but L1 has {len(ops)}")
        queue = tuple(execute_queue_op(state, context, op).withdrawal for op in ops[:consumed])
        out, fees_ntok = [], 0
        for element in data[1:]:
            record = unpack(element)
            watch(record)
            out.append(_apply(state, context, record))
            fees_ntok += record.values.get("fee_ntok", 0)
        if fees_ntok:
            credit_fees(state, operator_index, fees_ntok)
        elif operator_index:
            raise ReplayMismatch(f"operator {operator_index} is named, but there are no fees")
    except ReplayMismatch:
        raise
    except ProtocolError as error:
        raise ReplayMismatch(f"the data does not fit the state: {error}") from error
    return Replayed(queue, tuple(out))


def _apply(state: State, context: Context, record: DataRecord) -> Withdrawal | None:
    values = record.values
    match record.type:
        case TxType.NOOP:
            return None
        case TxType.TRANSFER:
            if values["from_index"] == values["to_index"]:
                raise SameParty(values["from_index"])
            _spend(state, values["from_index"], values["amount_ntok"] + values["fee_ntok"])
            _credit(state, values["to_index"], values["amount_ntok"])
        case TxType.WITHDRAW:
            _spend(state, values["index"], values["amount_ntok"] + values["fee_ntok"])
            return Withdrawal(state.account(values["index"]).l1_address, values["amount_ntok"])
        case TxType.OPEN:
            _open(state, values)
        case _:
            _on_channel(state, context, record)
    return None


def _spend(state: State, index: int, spent_ntok: int) -> None:
    account = state.account(index)
    if account.balance_ntok < spent_ntok:
        raise InsufficientBalance(index, account.balance_ntok, spent_ntok)
    left = account.balance_ntok - spent_ntok
    state.write_account(index, replace(account, nonce=account.nonce + 1, balance_ntok=left))


def _credit(
    state: State, index: int, amount_ntok: int, sold_wh: int = 0, bought_wh: int = 0
) -> None:
    account = state.account(index)
    after = replace(
        account,
        balance_ntok=account.balance_ntok + amount_ntok,
        sold_wh=account.sold_wh + sold_wh,
        bought_wh=account.bought_wh + bought_wh,
    )
    state.write_account(index, after)


def _open(state: State, values: dict[str, int]) -> None:
    a_index, b_index, slot = values["a_index"], values["b_index"], values["slot"]
    opener, peer = state.account(a_index), state.account(b_index)
    if a_index == b_index:
        raise SameParty(a_index)
    if not MIN_WINDOW_S <= values["window_s"] <= MAX_WINDOW_S:
        raise WindowOutOfRange(values["window_s"])
    if state.find_channel(slot) is not None:
        raise SlotTaken(slot)
    _spend(state, a_index, values["deposit_ntok"] + values["fee_ntok"])
    channel = Channel(
        a_index=a_index,
        b_index=b_index,
        epoch=opener.nonce,
        window_s=values["window_s"],
        status=Status.OPEN,
        deadline=0,
        deposit_a_ntok=values["deposit_ntok"],
        deposit_b_ntok=0,
        lane_ab=0,
        lane_ba=0,
        key_hash_a=opener.key_hash,
        key_hash_b=peer.key_hash,
    )
    state.write_channel(slot, channel)


def _on_channel(state: State, context: Context, record: DataRecord) -> None:
    values, slot = record.values, record.values["slot"]
    channel = state.find_channel(slot)
    if channel is None:
        raise UnknownChannel(f"at slot {slot}")
    match record.type:
        case TxType.TOP_UP:
            _top_up(state, slot, channel, values)
        case TxType.CLAIM:
            _claim(state, slot, channel, values)
        case TxType.START_CLOSE:
            _start_close(state, context, slot, channel, values)
        case TxType.CLOSE:
            _check_lane(Lane.AB, channel, values["lane_ab"], 0)
            _check_lane(Lane.BA, channel, values["lane_ba"], 0)
            _pay_out(state, slot, channel, values["lane_ab"], values["lane_ba"], True)
        case _:
            if channel.status is not Status.CLOSING:
                raise ChannelNotClosing(slot)
            if channel.deadline > context.queue_covered:
                raise DeadlineNotReached(channel.deadline, context.queue_covered)
            _pay_out(state, slot, channel, channel.lane_ab, channel.lane_ba, False)


def _check_lane(lane: Lane, channel: Channel, given: int, least_growth: int) -> None:
    if given < channel.lane(lane) + least_growth:
        raise LaneNotHigher(int(lane), channel.lane(lane), given)


def _check_open(slot: int, channel: Channel) -> None:
    if channel.status is not Status.OPEN:
        raise ChannelNotOpen(slot)


def _top_up(state: State, slot: int, channel: Channel, values: dict[str, int]) -> None:
    _check_open(slot, channel)
    amount = values["amount_ntok"]
    sides = (channel.a_index, channel.b_index)
    _spend(state, sides[values["side"]], amount + values["fee_ntok"])
    after = (
        replace(channel, deposit_b_ntok=channel.deposit_b_ntok + amount)
        if values["side"]
        else replace(channel, deposit_a_ntok=channel.deposit_a_ntok + amount)
    )
    state.write_channel(slot, after)


def _claim(state: State, slot: int, channel: Channel, values: dict[str, int]) -> None:
    value = values["lane_value"]
    _check_lane(Lane(values["lane"]), channel, value, 1)
    after = replace(channel, lane_ba=value) if values["lane"] else replace(channel, lane_ab=value)
    state.write_channel(slot, after)


def _start_close(
    state: State, context: Context, slot: int, channel: Channel, values: dict[str, int]
) -> None:
    _check_open(slot, channel)
    _spend(state, (channel.a_index, channel.b_index)[values["side"]], 0)
    deadline = context.l1_time + L1_TIME_SLACK_S + channel.window_s
    state.write_channel(slot, replace(channel, status=Status.CLOSING, deadline=deadline))


def _pay_out(
    state: State, slot: int, channel: Channel, lane_ab: int, lane_ba: int, co_signed: bool
) -> None:
    payout = channel.payout(lane_ab, lane_ba)
    wh_ab, wh_ba = (lane_wh(lane_ab), lane_wh(lane_ba)) if co_signed else (0, 0)
    _credit(state, channel.a_index, payout.a_ntok, wh_ba, wh_ab)
    _credit(state, channel.b_index, payout.b_ntok, wh_ab, wh_ba)
    state.write_channel(slot, None)
