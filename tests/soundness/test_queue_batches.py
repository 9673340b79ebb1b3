"""Lies about queue ops that take a whole batch: order, outputs, effects that L1 did not ask for.

A lie here is complete, as in test_batch_attacks: digest, challenge and evaluations are computed
from what is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from protocol.batch import ExecutedProof, seal
from protocol.channels import Lane, pack_lane
from protocol.errors import ProtocolError
from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import ForcedClaim, ForcedFinalize, QueueOp
from protocol.state import State
from protocol.trace import Context, QueueTrace
from protocol.transactions import Finalize, Transaction, Transfer
from prover.circuits.batch import CLOSED
from tests.protocol.street import BERT, CARL, CONTEXT, LATER, NOW, STRANGER, at, signed
from tests.prover.circuits.cases import LANE_BA, SLOT, channel_of, seasoned_street
from tests.prover.circuits.proofs import SMALL, check, executed, failing_of
from tests.prover.circuits.queue_cases import (
    APPLIED,
    NO_OPS,
    forced_claim,
    forced_exit,
    forced_finalize,
    forced_start_close,
    holding,
    key_change,
)
from tests.soundness.lenient import lenient_queue_effect
from tests.soundness.test_batch_attacks import claiming, rejection

DIGEST = "tail/digest/digest"
LEAF, NODE = "old leaf is in the tree", "old node is in the tree"
EPOCH_OF_TWIN = 8


# --- an effect that the op does not have, or has -----------------------------------------------


WITHOUT_DIFFERENCE = {"start close while closing", "claim of the same"}
"""No-ops whose effect would write what is there."""


@pytest.mark.parametrize("name", [*APPLIED, *sorted({*NO_OPS} - WITHOUT_DIFFERENCE)])
def test_no_proof_claims_the_other_outcome(name: str) -> None:
    """As if an op that applies were a no-op, or one that does not had its effect."""
    case = {**APPLIED, **NO_OPS}[name]()
    assert case.trace is not None
    state = case.before.copy()
    if not case.trace.applied:
        lenient_queue_effect(state, case.context, case.trace.op)
        assert state.root != case.before.root
    honest = executed(case.before.copy(), [case.trace.op], [], context=case.context)
    assert rejection(claiming(honest, new_root=state.root)) == DIGEST


# --- what is paid out --------------------------------------------------------------------------


def paid_out(op: QueueOp, change: Callable[[int], int]) -> ExecutedProof:
    """A batch of this op, with another output claimed for its slot."""
    honest = executed(seasoned_street(), [op], [])
    messages = list(honest.messages)
    messages[7] = change(messages[7])
    return claiming(honest, messages=tuple(messages))


OUTPUTS: dict[str, Callable[[], ExecutedProof]] = {
    "more than the balance": lambda: paid_out(forced_exit(), lambda out: out + (1 << 160)),
    "to somebody else": lambda: paid_out(
        forced_exit(), lambda out: out - BERT.l1_address + CARL.l1_address
    ),
    "nothing": lambda: paid_out(forced_exit(), lambda out: 0),
    "to one who does not own the account": lambda: paid_out(
        forced_exit(sender=CARL.l1_address), lambda out: CARL.l1_address + (5 << 160)
    ),
    "for a change of key": lambda: paid_out(
        key_change(), lambda out: BERT.l1_address + (1_000_001 << 160)
    ),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_slot_pays_out_what_its_exit_says(name: str) -> None:
    assert rejection(OUTPUTS[name]()) == DIGEST


# --- order -------------------------------------------------------------------------------------


def closing_street() -> tuple[State, Context, ForcedClaim, ForcedFinalize]:
    """A challenge that reached L1 before the deadline, and a finalisation enqueued after it."""
    state = holding(closing=True)
    deadline = channel_of(state).deadline
    value = LANE_BA + pack_lane(1, 77)
    claim = replace(forced_claim(state, Lane.BA, value), enqueue_time=deadline - 1)
    return state, at(deadline + 60), claim, forced_finalize(deadline)


def told(state: State, context: Context, end: State, queue: Sequence[QueueTrace]) -> ExecutedProof:
    """A proof of these queue slots from `state` to `end`, without transactions."""
    windows = executed(end.copy(), [], []).windows
    return seal(SMALL, context, 0, state.tree_roots, end.root, queue, [], windows, None)


def test_a_challenge_in_time_counts() -> None:
    state, context, claim, finalize = closing_street()
    both = executed(state.copy(), [claim, finalize], [], context=context)
    alone = executed(state.copy(), [finalize], [], context=context)
    check(both)
    assert both.queue[1].applied
    assert both.new_root != alone.new_root


def test_no_finalisation_overtakes_a_challenge() -> None:
    """The finalisation acts on the tree from before the claim that stands before it."""
    state, context, claim, finalize = closing_street()
    first = execute_queue_op(state.copy(), context, claim)
    end = state.copy()
    second = execute_queue_op(end, context, finalize)
    lie = told(state, context, end, [first, second])
    assert failing_of(lie, {}) == {f"queue1/channel/{LEAF}"}


def test_ops_are_executed_in_the_order_that_l1_sees() -> None:
    state, context, claim, finalize = closing_street()
    turned = executed(state.copy(), [finalize, claim], [], context=context)
    honest = executed(state.copy(), [claim, finalize], [], context=context)
    assert rejection(claiming(turned, messages=honest.messages)) == DIGEST


def test_no_users_finalisation_overtakes_a_challenge_of_its_proof() -> None:
    """Its window of channels is that from before the queue slot."""
    state, context, claim, _ = closing_street()
    queue = [execute_queue_op(state.copy(), context, claim)]
    done = executed(
        state.copy(), [], [(Transaction(Finalize(channel_of(state).id)), None)], context=context
    )
    lie = seal(
        SMALL, context, 0, state.tree_roots, done.new_root, queue, done.users, done.windows, None
    )
    assert failing_of(lie, {}) == {f"{CLOSED}/channels/{NODE}"}


def test_a_key_change_comes_before_the_transactions_of_its_proof() -> None:
    """Bert's stolen key signs on the state from before the change."""
    state = seasoned_street()
    queue = [execute_queue_op(state.copy(), CONTEXT, key_change())]
    stolen = signed(Transfer(1, 0, 1, 900, 0, LATER), BERT)
    done = executed(state.copy(), [], [(stolen, None)])
    lie = seal(
        SMALL, CONTEXT, 0, state.tree_roots, done.new_root, queue, done.users, done.windows, None
    )
    assert failing_of(lie, {}) == {f"{CLOSED}/accounts1/{NODE}"}
    after = state.copy()
    execute_queue_op(after, CONTEXT, key_change())
    with pytest.raises(ProtocolError):
        execute(after, CONTEXT, stolen)


# --- another place, another time ---------------------------------------------------------------


def test_a_claim_does_not_act_on_another_channel() -> None:
    """The same channel stands at the slot that the op names; the one beside it is touched."""
    state = holding()
    twin = replace(channel_of(state), epoch=EPOCH_OF_TWIN)
    state.write_channel(SLOT + 1, twin)
    op = forced_claim(state)
    beside = replace(op, slot=SLOT + 1, epoch=EPOCH_OF_TWIN)
    done = executed(state.copy(), [beside], [])
    messages = executed(state.copy(), [op], []).messages
    assert rejection(claiming(done, messages=messages)) == DIGEST


def test_a_close_has_the_batchs_own_time() -> None:
    """A deadline counted from earlier would take the other side's window away."""
    state = holding()
    early = executed(state.copy(), [forced_start_close()], [], context=at(NOW - 7_200))
    late = executed(state.copy(), [forced_start_close()], [])
    assert rejection(claiming(late, new_root=early.new_root)) == DIGEST
    assert rejection(claiming(early, context=CONTEXT)) == f"{CLOSED}/channels/{NODE}"


def test_a_key_that_is_put_in_is_the_one_on_l1() -> None:
    other = executed(seasoned_street(), [replace(key_change(), key_hash=CARL.key_hash)], [])
    honest = executed(seasoned_street(), [key_change()], [])
    assert STRANGER.key_hash in honest.messages
    assert rejection(claiming(other, messages=honest.messages)) == DIGEST
