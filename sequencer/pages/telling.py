"""Transactions and queue ops in words: what happens, between whom, every field with its unit."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.channels import Lane, lane_paid_ntok, lane_wh
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
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transfer,
    Withdraw,
)
from protocol.units import INDEX_BITS
from sequencer.pages import formats

Field = tuple[str, str]
_INDEX = (1 << INDEX_BITS) - 1


@dataclass(frozen=True, slots=True)
class Told:
    """`kind` for a heading, `sentence` for a list, `homes` (account numbers) to link to."""

    kind: str
    sentence: str
    homes: tuple[int, ...]
    fields: tuple[Field, ...]


def parties(channel_id: int) -> tuple[int, int]:
    """The accounts of sides A and B, which a channel's id names."""
    return channel_id & _INDEX, channel_id >> 32 & _INDEX


def tell(body: Body) -> Told:
    """A user's transaction."""
    match body:
        case Transfer():
            return _transfer(body)
        case Withdraw():
            amount = f"{formats.tokens(body.amount_ntok)} tokens"
            return Told(
                "Withdraw",
                f"home {body.index} takes {amount} out to L1",
                (body.index,),
                (_amount(body.amount_ntok), _fee(body.fee_ntok), _until(body.valid_until)),
            )
        case Open():
            return _open(body)
        case TopUp():
            side = parties(body.channel_id)[body.side]
            return Told(
                "Top up",
                f"home {side} adds {formats.tokens(body.amount_ntok)} tokens to a channel",
                parties(body.channel_id),
                (
                    _channel(body.channel_id),
                    _amount(body.amount_ntok),
                    _fee(body.fee_ntok),
                    _until(body.valid_until),
                ),
            )
        case Claim():
            return _claim(body)
        case StartClose():
            side = parties(body.channel_id)[body.side]
            return Told(
                "Start close",
                f"home {side} starts to close a channel without its neighbour",
                parties(body.channel_id),
                (_channel(body.channel_id), _until(body.valid_until)),
            )
        case Close():
            return _close(body)
        case Finalize():
            return Told(
                "Finalize",
                "a channel's window has passed, and it is paid out",
                parties(body.channel_id),
                (_channel(body.channel_id),),
            )


def tell_op(op: QueueOp) -> Told:
    """An op of L1's queue."""
    match op:
        case NewAccount():
            amount = f"{formats.tokens(op.amount_ntok)} tokens"
            return Told(
                "New account",
                f"home {op.index} joins with {amount}",
                (op.index,),
                (_amount(op.amount_ntok), ("L1 owner", formats.address(op.owner))),
            )
        case Deposit():
            amount = f"{formats.tokens(op.amount_ntok)} tokens"
            return Told(
                "Deposit",
                f"{amount} for home {op.index}",
                (op.index,),
                (_amount(op.amount_ntok), ("Paid by", formats.address(op.payer))),
            )
        case KeyChange():
            return Told("Key change", f"home {op.index} takes a new key", (op.index,), ())
        case ForcedExit():
            return Told("Forced exit", f"home {op.index} leaves through L1", (op.index,), ())
        case ForcedStartClose():
            return _forced("Forced start of a close", op.slot)
        case ForcedClaim():
            paid = formats.tokens(lane_paid_ntok(op.lane_value))
            told = _forced("Forced claim", op.slot)
            return Told(told.kind, f"{told.sentence}: {paid} tokens were promised", (), told.fields)
        case ForcedFinalize():
            return _forced("Forced payout", op.slot)


def _forced(kind: str, slot: int) -> Told:
    return Told(kind, f"in channel slot {slot}, through L1", (), (("Channel slot", str(slot)),))


def _transfer(body: Transfer) -> Told:
    amount = f"{formats.tokens(body.amount_ntok)} tokens"
    return Told(
        "Transfer",
        f"home {body.from_index} sends {amount} to home {body.to_index}",
        (body.from_index, body.to_index),
        (_amount(body.amount_ntok), _fee(body.fee_ntok), _until(body.valid_until)),
    )


def _open(body: Open) -> Told:
    deposit = formats.tokens(body.deposit_ntok)
    return Told(
        "Open",
        f"home {body.a_index} opens a channel with home {body.b_index}, with {deposit} tokens",
        (body.a_index, body.b_index),
        (
            ("Deposit", f"{formats.tokens_exactly(body.deposit_ntok)} tokens"),
            ("Window", formats.span(body.window_s)),
            _fee(body.fee_ntok),
            _until(body.valid_until),
        ),
    )


def _claim(body: Claim) -> Told:
    a_index, b_index = parties(body.channel_id)
    payer, payee = (a_index, b_index) if body.lane is Lane.AB else (b_index, a_index)
    paid, energy = lane_paid_ntok(body.lane_value), lane_wh(body.lane_value)
    return Told(
        "Claim",
        f"home {payee} shows a voucher of home {payer} over {formats.tokens(paid)} tokens",
        (payer, payee),
        (
            _channel(body.channel_id),
            ("Promised", f"{formats.tokens_exactly(paid)} tokens"),
            ("For", formats.energy(energy)),
        ),
    )


def _close(body: Close) -> Told:
    a_index, b_index = parties(body.channel_id)
    ab_wh, ba_wh = lane_wh(body.lane_ab), lane_wh(body.lane_ba)
    return Told(
        "Close",
        f"homes {a_index} and {b_index} settle {formats.energy(ab_wh + ba_wh)} together",
        (a_index, b_index),
        (
            _channel(body.channel_id),
            (f"Home {a_index} bought", formats.energy(ab_wh)),
            (f"Home {a_index} paid", _tokens(lane_paid_ntok(body.lane_ab))),
            (f"Home {b_index} bought", formats.energy(ba_wh)),
            (f"Home {b_index} paid", _tokens(lane_paid_ntok(body.lane_ba))),
            _until(body.valid_until),
        ),
    )


def _tokens(amount_ntok: int) -> str:
    return f"{formats.tokens_exactly(amount_ntok)} tokens"


def _amount(amount_ntok: int) -> Field:
    return "Amount", _tokens(amount_ntok)


def _fee(fee_ntok: int) -> Field:
    return "Fee", _tokens(fee_ntok)


def _until(valid_until: int) -> Field:
    return "Valid until", formats.moment(valid_until)


def _channel(channel_id: int) -> Field:
    return "Channel", f"{channel_id:#x}"
