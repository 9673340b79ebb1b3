"""Sealing: which ops and transactions make the next batch, executed in the context that L1 gives.

Pure. A batch consumes exactly the queue ops that L1 demands of it, then up to N transactions in
the mempool's order; what no longer applies in the batch's own context is named and left out, and
the rest goes on. Nothing that was given in is changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from protocol.batch import (
    ExecutedProof,
    PublicInputs,
    Shape,
    challenge,
    public_inputs,
    seal,
)
from protocol.errors import InvalidSignature, InvalidTransaction
from protocol.execute import credit_fees, execute, execute_queue_op
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import UserTrace
from sequencer.soft import Pending, Refusal, context_at, due_ops, slot_hint


@dataclass(frozen=True, slots=True)
class SealingPolicy:
    """When a batch is worth sealing. Ages in seconds of the operator's clock."""

    maximum_age_s: float = 20.0
    sealed_ahead: int = 2


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch whose content is fixed. `id` names it with its context: re-sealing changes it."""

    number: int
    executed: ExecutedProof
    public: PublicInputs
    included: tuple[Pending, ...]
    first_op: int
    state: State

    @property
    def id(self) -> str:
        """SHA-256 of the public inputs, which bind everything that the proof says."""
        text = ",".join(str(value) for value in self.public.values())
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def last_op(self) -> int:
        """The newest queue op that the batch consumed, or that those before it did."""
        return self.first_op + len(self.executed.queue) - 1


@dataclass(frozen=True, slots=True)
class Sealing:
    """A sealed batch, and what had to be left out of it with the reason."""

    batch: SealedBatch
    rejected: tuple[tuple[Pending, Refusal], ...]


def takeable(pending: Sequence[Pending], last_op: int, limit: int) -> Sequence[Pending]:
    """The transactions, in order, that come after no op later than `last_op`; at most `limit`."""
    taken = 0
    while taken < min(len(pending), limit) and pending[taken].ops_before <= last_op:
        taken += 1
    return pending[:taken]


def is_due(
    policy: SealingPolicy,
    shape: Shape,
    ops: Sequence[QueueOp],
    pending: Sequence[Pending],
    oldest_age_s: float,
    waiting_for_proof: int,
) -> bool:
    """Whether to seal now. `ops`: those that are due.

    While the prover is busy a batch goes on filling, and only one whose user slots are all taken
    is sealed ahead; an idle prover also takes one whose queue slots are, or that is old enough.
    """
    if not (ops or pending) or waiting_for_proof >= policy.sealed_ahead:
        return False
    if len(pending) >= shape.user_slots:
        return True
    is_worth_it = len(ops) >= shape.queue_slots or oldest_age_s >= policy.maximum_age_s
    return is_worth_it and not waiting_for_proof


def seal_batch(
    number: int,
    state: State,
    shape: Shape,
    domain: int,
    l1_time: int,
    operator_index: int,
    last_op: int,
    ops: Sequence[QueueOp],
    pending: Sequence[Pending],
) -> Sealing:
    """Make batch `number` on `state`; `last_op` is the last op consumed before it.

    Raises NoOperatorAccount where fees were taken and the operator has no account.
    """
    after = state.copy()
    consumed = due_ops(ops, l1_time, shape.queue_slots)
    context = context_at(domain, l1_time, ops, shape.queue_slots)
    queue = [execute_queue_op(after, op) for op in consumed]
    users: list[UserTrace] = []
    included: list[Pending] = []
    rejected: list[tuple[Pending, Refusal]] = []
    for one in takeable(pending, last_op + len(consumed), len(pending)):
        if len(users) == shape.user_slots:
            break
        try:
            users.append(execute(after, context, one.transaction, slot_hint(after, one)))
        except (InvalidTransaction, InvalidSignature) as error:
            rejected.append((one, error))
        else:
            included.append(one)
    fees_ntok = sum(trace.fee_ntok for trace in users)
    fees = credit_fees(after, operator_index, fees_ntok) if fees_ntok else None
    named = operator_index if fees_ntok else 0
    executed = seal(shape, context, named, state.tree_roots, after.root, queue, users, fees)
    public = public_inputs(executed, challenge([executed]))
    batch = SealedBatch(number, executed, public, tuple(included), last_op + 1, after)
    return Sealing(batch, tuple(rejected))
