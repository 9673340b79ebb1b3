"""Rebuild the state from what L1 holds: the old state, queue ops, data elements, context.

No signature is checked here: the proof did that. Replaying gives the same root, bit for bit, or
raises ReplayMismatch. Ref: docs/protocol.md section 5 and invariant C6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from protocol.channels import Channel, Status, lane_wh
from protocol.data import DataRecord, unpack, unpack_header
from protocol.errors import ProtocolError, ReplayMismatch, UnknownChannel
from protocol.execute import credit_fees, execute_queue_op
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context, Withdrawal
from protocol.transactions import TxType
from protocol.units import L1_TIME_SLACK_S


def replay_proof(
    state: State, context: Context, ops: Sequence[QueueOp], data: Sequence[int]
) -> tuple[Withdrawal | None, ...]:
    """Apply one proof's data to `state`; returns what each user slot withdrew.

    `ops` are the queue's next ops, at least as many as the header says were consumed. Raises
    ReplayMismatch where the data does not make sense on this state.
    """
    try:
        operator_index, consumed = unpack_header(data[0])
        if consumed > len(ops):
            raise ReplayMismatch(f"{consumed} queue ops were consumed, but L1 has {len(ops)}")
        for op in ops[:consumed]:
            execute_queue_op(state, op)
        out, fees_ntok = [], 0
        for element in data[1:]:
            record = unpack(element)
            out.append(_apply(state, context, record))
            fees_ntok += record.values.get("fee_ntok", 0)
        if fees_ntok:
            credit_fees(state, operator_index, fees_ntok)
    except ReplayMismatch:
        raise
    except ProtocolError as error:
        raise ReplayMismatch(f"the data does not fit the state: {error}") from error
    return tuple(out)


def _apply(state: State, context: Context, record: DataRecord) -> Withdrawal | None:
    values = record.values
    match record.type:
        case TxType.NOOP:
            return None
        case TxType.TRANSFER:
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
    opener, peer = state.account(values["a_index"]), state.account(values["b_index"])
    _spend(state, values["a_index"], values["deposit_ntok"] + values["fee_ntok"])
    channel = Channel(
        a_index=values["a_index"],
        b_index=values["b_index"],
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
    state.write_channel(values["slot"], channel)


def _on_channel(state: State, context: Context, record: DataRecord) -> None:
    values, slot = record.values, record.values["slot"]
    channel = state.find_channel(slot)
    if channel is None:
        raise UnknownChannel(f"at slot {slot}")
    sides = (channel.a_index, channel.b_index)
    match record.type:
        case TxType.TOP_UP:
            amount = values["amount_ntok"]
            _spend(state, sides[values["side"]], amount + values["fee_ntok"])
            after = (
                replace(channel, deposit_b_ntok=channel.deposit_b_ntok + amount)
                if values["side"]
                else replace(channel, deposit_a_ntok=channel.deposit_a_ntok + amount)
            )
            state.write_channel(slot, after)
        case TxType.CLAIM:
            value = values["lane_value"]
            after = (
                replace(channel, lane_ba=value)
                if values["lane"]
                else replace(channel, lane_ab=value)
            )
            state.write_channel(slot, after)
        case TxType.START_CLOSE:
            _spend(state, sides[values["side"]], 0)
            deadline = context.l1_time + L1_TIME_SLACK_S + channel.window_s
            closing = replace(channel, status=Status.CLOSING, deadline=deadline)
            state.write_channel(slot, closing)
        case TxType.CLOSE:
            _pay_out(state, slot, channel, values["lane_ab"], values["lane_ba"], True)
        case _:
            _pay_out(state, slot, channel, channel.lane_ab, channel.lane_ba, False)


def _pay_out(
    state: State, slot: int, channel: Channel, lane_ab: int, lane_ba: int, co_signed: bool
) -> None:
    payout = channel.payout(lane_ab, lane_ba)
    wh_ab, wh_ba = (lane_wh(lane_ab), lane_wh(lane_ba)) if co_signed else (0, 0)
    _credit(state, channel.a_index, payout.a_ntok, wh_ba, wh_ab)
    _credit(state, channel.b_index, payout.b_ntok, wh_ab, wh_ba)
    state.write_channel(slot, None)
