"""One honest example of every queue op, as applied and as each kind of no-op."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from protocol.channels import Channel, Lane, pack_lane
from protocol.crypto.jubjub import SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature
from protocol.execute_queue import execute_queue_op
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
from protocol.state import State
from protocol.trace import Context, QueueTrace
from protocol.units import L1_TIME_SLACK_S
from protocol.vouchers import voucher_message
from tests.protocol.street import ANNA, BERT, CARL, CONTEXT, NOW, STRANGER, Home, at
from tests.prover.circuits.cases import (
    LANE_AB,
    LANE_BA,
    SLOT,
    channel_of,
    seasoned_street,
    street_with_channel,
)
from tests.prover.circuits.lone import Inputs, queue_case

EPOCH = 7
LAST_NONCE = 2**32 - 1
HIGHER_AB, HIGHER_BA = LANE_AB + pack_lane(3, 40), LANE_BA + 1


@dataclass(frozen=True, slots=True)
class QueueCase:
    """An honest queue slot: the state before and after, the trace, and all inputs of the slot."""

    before: State
    after: State
    context: Context
    trace: QueueTrace | None
    used_before: int = 1

    @property
    def inputs(self) -> Inputs:
        return queue_case(self.trace, self.before, self.context, self.used_before)


def queue(
    op: QueueOp | None,
    state: State | None = None,
    context: Context = CONTEXT,
    *,
    used_before: int = 1,
) -> QueueCase:
    """Execute one op (None: unused), by default on the seasoned street."""
    before = seasoned_street() if state is None else state
    after = before.copy()
    trace = None if op is None else execute_queue_op(after, context, op)
    return QueueCase(before, after, context, trace, used_before)


def holding(*, closing: bool = False, **changes: int) -> State:
    """The street with Anna and Bert's channel at SLOT, of an epoch that is not 0."""
    state = street_with_channel(closing=closing)
    channel = replace(channel_of(state), **{"epoch": EPOCH, **changes})  # type: ignore[arg-type]
    state.write_channel(SLOT, channel)
    return state


def with_account(one: Home, **changes: int) -> State:
    """The seasoned street, with something about one account."""
    state = seasoned_street()
    state.write_account(one.index, replace(state.account(one.index), **changes))
    return state


# --- ops on accounts -------------------------------------------------------------------------


def new(index: int) -> NewAccount:
    return NewAccount(1, NOW, index, STRANGER.key_hash, STRANGER.l1_address, 5_000, 0xCAFE)


def key_change(index: int = BERT.index, sender: int = BERT.l1_address) -> KeyChange:
    return KeyChange(3, NOW, index, STRANGER.key_hash, sender)


def forced_exit(index: int = BERT.index, sender: int = BERT.l1_address) -> ForcedExit:
    return ForcedExit(4, NOW, index, sender)


# --- ops on channels -------------------------------------------------------------------------


def forced_start_close(
    side: Lane = Lane.AB, sender: Home | None = None, slot: int = SLOT, epoch: int = EPOCH
) -> ForcedStartClose:
    by = sender or (ANNA if side is Lane.AB else BERT)
    return ForcedStartClose(5, NOW, slot, epoch, side, by.l1_address)


def voucher(
    channel: Channel, lane: Lane, value: int, by: Home | None = None, domain: int = CONTEXT.domain
) -> Signature:
    payer = by or (ANNA if lane is Lane.AB else BERT)
    return payer.sign(voucher_message(domain, channel.id, lane, value))


def forced_claim(
    state: State, lane: Lane = Lane.AB, value: int | None = None, by: Home | None = None
) -> ForcedClaim:
    """A claim in the channel at SLOT, of a lane value that is higher unless given."""
    channel = channel_of(state)
    if value is None:
        value = HIGHER_AB if lane is Lane.AB else HIGHER_BA
    signature = voucher(channel, lane, value, by)
    return ForcedClaim(6, NOW, SLOT, channel.epoch, lane, value, signature, 0xCAFE)


def _claim(
    lane: Lane = Lane.AB,
    value: int | None = None,
    by: Home | None = None,
    *,
    closing: bool = False,
    bent: Callable[[Signature], Signature] | None = None,
) -> QueueCase:
    state = holding(closing=closing)
    op = forced_claim(state, lane, value, by)
    if bent:
        op = replace(op, signature=bent(op.signature))
    return queue(op, state)


def _claim_elsewhere(**changes: int) -> QueueCase:
    state = holding()
    return queue(replace(forced_claim(state), **changes), state)  # type: ignore[arg-type]


def forced_finalize(enqueue_time: int, slot: int = SLOT, epoch: int = EPOCH) -> ForcedFinalize:
    return ForcedFinalize(7, enqueue_time, slot, epoch, 0xCAFE)


def _finalize(late_s: int = 0, epoch: int = EPOCH, rich: Home | None = None) -> QueueCase:
    state = holding(closing=True)
    deadline = channel_of(state).deadline
    if rich:
        full = replace(state.account(rich.index), balance_ntok=2**64 - 1)
        state.write_account(rich.index, full)
    return queue(forced_finalize(deadline + late_s, epoch=epoch), state, at(deadline + 60))


def _start_close_at(seconds_before_the_end: int) -> QueueCase:
    state = holding()
    last = 2**40 - L1_TIME_SLACK_S - channel_of(state).window_s
    return queue(forced_start_close(), state, at(last - seconds_before_the_end))


APPLIED: dict[str, Callable[[], QueueCase]] = {
    "new account": lambda: queue(new(6)),
    "deposit": lambda: queue(Deposit(2, NOW, 77, 5_000, 0xCAFE)),
    "key change": lambda: queue(key_change()),
    "forced exit": lambda: queue(forced_exit()),
    "forced exit of nothing": lambda: queue(forced_exit(), with_account(BERT, balance_ntok=0)),
    "forced exit at the last nonce": lambda: queue(
        forced_exit(), with_account(BERT, nonce=LAST_NONCE)
    ),
    "start close a": lambda: queue(forced_start_close(), holding()),
    "start close b": lambda: queue(forced_start_close(Lane.BA), holding()),
    "start close with the last deadline": lambda: _start_close_at(1),
    "claim ab": _claim,
    "claim ba while closing": lambda: _claim(Lane.BA, closing=True),
    "finalize": _finalize,
}
"""Each op where it has its effect, and what goes differently within one."""

NO_OPS: dict[str, Callable[[], QueueCase]] = {
    "new account at a taken index": lambda: queue(new(77)),
    "deposit to nobody": lambda: queue(Deposit(2, NOW, 6, 5_000, 0xCAFE)),
    "deposit past 2^64": lambda: queue(Deposit(2, NOW, 77, 2**64 - 1, 0xCAFE)),
    "key change by another": lambda: queue(key_change(sender=CARL.l1_address)),
    "key change of nobody": lambda: queue(key_change(index=6, sender=0)),
    "key change at the last nonce": lambda: queue(
        key_change(), with_account(BERT, nonce=LAST_NONCE)
    ),
    "forced exit by another": lambda: queue(forced_exit(sender=CARL.l1_address)),
    "forced exit of nobody": lambda: queue(forced_exit(index=6, sender=0)),
    "start close by the other": lambda: queue(forced_start_close(sender=BERT), holding()),
    "start close in another epoch": lambda: queue(forced_start_close(epoch=8), holding()),
    "start close while closing": lambda: queue(forced_start_close(), holding(closing=True)),
    "start close of nothing": lambda: queue(forced_start_close(slot=6), holding()),
    "start close past 2^40": lambda: _start_close_at(0),
    "claim of the same": lambda: _claim(value=LANE_AB),
    "claim of less": lambda: _claim(Lane.BA, LANE_BA - 1),
    "claim in another epoch": lambda: _claim_elsewhere(epoch=8),
    "claim in nothing": lambda: _claim_elsewhere(slot=6),
    "claim by the payee": lambda: _claim(by=BERT),
    "claim of more than was signed": lambda: _claim_elsewhere(lane_value=HIGHER_AB + 1),
    "claim with a key off the curve": lambda: _claim(
        bent=lambda one: replace(one, key=Point(one.key.x, one.key.y ^ 1))
    ),
    "claim with an R off the curve": lambda: _claim(
        bent=lambda one: replace(one, r=Point(one.r.y, one.r.x))
    ),
    "claim with s + l": lambda: _claim(bent=lambda one: replace(one, s=one.s + SUBGROUP_ORDER)),
    "finalize too early": lambda: _finalize(-1),
    "finalize in another epoch": lambda: _finalize(epoch=8),
    "finalize while open": lambda: queue(forced_finalize(NOW), holding()),
    "finalize nothing": lambda: queue(forced_finalize(NOW, slot=6), holding()),
    "finalize past a's 2^64": lambda: _finalize(rich=ANNA),
    "finalize past b's 2^64": lambda: _finalize(rich=BERT),
}
"""Each reason for which an op has no effect."""

QUEUE_CASES: dict[str, Callable[[], QueueCase]] = {
    "unused": lambda: queue(None),
    "unused after unused": lambda: queue(None, used_before=0),
    **APPLIED,
    **NO_OPS,
}
