"""What layer 2 makes of the model's steps: the executor's own answers, each asked for once.

No rule of layer 2 is written here: leaves and ops become the protocol's, `execute` and
`execute_queue_op` act on them, and the leaf that they leave is read back.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from protocol.channels import Channel, Lane, Status, channel_id, pack_lane
from protocol.crypto.schnorr import Signature
from protocol.errors import InvalidTransaction
from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import ForcedClaim, ForcedFinalize, ForcedStartClose, QueueOp
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Claim, Finalize, StartClose, Transaction
from protocol.vouchers import voucher_message
from tests.model.closing_world import FORGED, Kind, Leaf, Op, Rules
from tests.model.leaf_only import LeafOnlyState
from tests.protocol.street import ANNA, BERT, DOMAIN, NOW, signed

SLOT = 3
DEPOSIT_NTOK = 1_000
PAID_NTOK = {0: 0, 1: 300, 2: 700, 3: 1_000, FORGED: 999}
"""What each voucher promises Bert."""
NEVER = 2**40 - 1


class Outcome(NamedTuple):
    """The leaf after a step (None: the slot is empty), and what its end paid Bert, if that was
    now."""

    leaf: Leaf | None
    paid_b_ntok: int | None


def _value(voucher: int) -> int:
    return pack_lane(voucher, PAID_NTOK[voucher])


def _channel(rules: Rules, leaf: Leaf) -> Channel:
    return Channel(
        a_index=ANNA.index,
        b_index=BERT.index,
        epoch=leaf.epoch,
        window_s=rules.window * rules.tick_s,
        status=Status.CLOSING if leaf.is_closing else Status.OPEN,
        deadline=NOW + leaf.deadline * rules.tick_s if leaf.is_closing else 0,
        deposit_a_ntok=DEPOSIT_NTOK,
        deposit_b_ntok=0,
        lane_ab=_value(leaf.lane),
        lane_ba=0,
        key_hash_a=ANNA.key_hash,
        key_hash_b=BERT.key_hash,
    )


_EMPTY_ACCOUNTS = {one.index: one.account(0, nonce=1) for one in (ANNA, BERT)}


def _state(rules: Rules, leaf: Leaf | None) -> State:
    return LeafOnlyState(_EMPTY_ACCOUNTS, {SLOT: _channel(rules, leaf)} if leaf else {})


def _outcome(rules: Rules, was: Leaf | None, state: State) -> Outcome:
    channel = state.find_channel(SLOT)
    a_ntok, b_ntok = (state.account(one.index).balance_ntok for one in (ANNA, BERT))
    if channel is None:
        assert a_ntok + b_ntok == (DEPOSIT_NTOK if was else 0), "C4"
        return Outcome(None, b_ntok if was else None)
    assert a_ntok + b_ntok == 0
    closing = channel.status is Status.CLOSING
    deadline, rest = divmod(channel.deadline - NOW, rules.tick_s) if closing else (0, 0)
    assert rest == 0
    voucher = channel.lane_ab & 0xFF
    assert channel.lane_ab == _value(voucher)
    return Outcome(Leaf(channel.epoch, closing, deadline, voucher), None)


def _context(rules: Rules, l1_time: int, covered: int) -> Context:
    return Context(DOMAIN, NOW + l1_time * rules.tick_s, NOW + covered * rules.tick_s)


def _id(epoch: int) -> int:
    return channel_id(ANNA.index, BERT.index, epoch)


@cache
def _signature(epoch: int, voucher: int) -> Signature:
    """Anna's; on the forged voucher stands one of hers over another."""
    value = _value(1 if voucher == FORGED else voucher)
    return ANNA.sign(voucher_message(DOMAIN, _id(epoch), Lane.AB, value))


def _queue_op(rules: Rules, op: Op, l1_time: int) -> QueueOp:
    time, sender = NOW + rules.op_time(op, l1_time) * rules.tick_s, BERT.l1_address
    match op.kind:
        case Kind.START_CLOSE:
            return ForcedStartClose(1, time, SLOT, op.epoch, Lane.BA, sender)
        case Kind.FINALIZE:
            return ForcedFinalize(1, time, SLOT, op.epoch, sender)
        case Kind.CLAIM:
            value, signature = _value(op.voucher), _signature(op.epoch, op.voucher)
            return ForcedClaim(1, time, SLOT, op.epoch, Lane.AB, value, signature, sender)


@cache
def _transaction(kind: Kind, epoch: int, voucher: int) -> Transaction:
    match kind:
        case Kind.START_CLOSE:
            return signed(StartClose(_id(epoch), Lane.AB, 1, NEVER), ANNA)
        case Kind.FINALIZE:
            return signed(Finalize(_id(epoch)))
        case Kind.CLAIM:
            body = Claim(_id(epoch), Lane.AB, _value(voucher))
            return Transaction(body, (_signature(epoch, voucher),))


@cache
def after_op(rules: Rules, leaf: Leaf | None, op: Op, l1_time: int, covered: int) -> Outcome:
    """What the executor makes of a queue op."""
    state = _state(rules, leaf)
    execute_queue_op(state, _context(rules, l1_time, covered), _queue_op(rules, op, l1_time))
    return _outcome(rules, leaf, state)


@cache
def after_transaction(
    rules: Rules, leaf: Leaf, kind: Kind, voucher: int, l1_time: int, covered: int
) -> Outcome | None:
    """What the executor makes of a transaction; None where it refuses."""
    state = _state(rules, leaf)
    transaction = _transaction(kind, leaf.epoch, voucher)
    try:
        execute(state, _context(rules, l1_time, covered), transaction)
    except InvalidTransaction:
        return None
    return _outcome(rules, leaf, state)
