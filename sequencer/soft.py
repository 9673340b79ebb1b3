"""The soft state: the last sealed state with everything that has arrived since, in order.

It is always what executing `ops` and `pending`, each transaction after the ops that it came after,
makes of the sealed state; whatever refuses to apply is never in `pending`. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from protocol.batch import queue_covered
from protocol.errors import InvalidSignature, InvalidTransaction
from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context, UserTrace
from protocol.transactions import Open, Transaction
from sequencer.admission import party_of

Refusal = InvalidTransaction | InvalidSignature


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction in the mempool's order.

    `ops_before` is the number of the newest queue op that was in the soft state before it: it goes
    into no batch that has not consumed that op. `slot` is its channel's place in the soft state
    (the place that its OPEN took; 0 where it has no channel).
    """

    id: str
    sequence: int
    transaction: Transaction
    ops_before: int
    accepted_at: float
    slot: int = 0


def due_ops(ops: Sequence[QueueOp], l1_time: int, queue_slots: int) -> Sequence[QueueOp]:
    """What L1 demands that a batch consumes: min(Q, unprocessed ops enqueued by l1_time)."""
    due = 0
    while due < min(len(ops), queue_slots) and ops[due].enqueue_time <= l1_time:
        due += 1
    return ops[:due]


def context_at(domain: int, l1_time: int, ops: Sequence[QueueOp], queue_slots: int) -> Context:
    """The context of a batch made now: covered up to the oldest op that it leaves behind."""
    left = ops[len(due_ops(ops, l1_time, queue_slots)) :]
    return Context(domain, l1_time, queue_covered(l1_time, left[0].enqueue_time if left else None))


def slot_hint(state: State, pending: Pending) -> int | None:
    """Where an OPEN goes on `state`: its soft slot if that is free, else the lowest free one."""
    if not isinstance(pending.transaction.body, Open):
        return None
    return pending.slot if state.find_channel(pending.slot) is None else None


class SoftState:
    """The mempool executed. Mutable; one owner."""

    def __init__(self, sealed: State, last_op: int) -> None:
        """`last_op`: the number of the last queue op that the sealed state consumed."""
        self.sealed = sealed
        self.state = sealed.copy()
        self.ops: list[QueueOp] = []
        self.pending: list[Pending] = []
        self.parties: Counter[str] = Counter()
        self.last_sealed_op = last_op

    @property
    def last_op(self) -> int:
        """The newest op in the soft state."""
        return self.ops[-1].number if self.ops else self.last_sealed_op

    def add_ops(self, context: Context, ops: Iterable[QueueOp]) -> None:
        """Apply further queue ops, in order."""
        for op in ops:
            execute_queue_op(self.state, context, op)
            self.ops.append(op)

    def execute(self, context: Context, transaction: Transaction) -> UserTrace:
        """Apply a transaction without remembering it; `append` does. Raises a Refusal."""
        return execute(self.state, context, transaction)

    def append(self, pending: Pending) -> None:
        """Remember a transaction that `execute` has just applied."""
        self.pending.append(pending)
        self.parties[party_of(pending.transaction)] += 1


def rebuild(
    sealed: State,
    last_op: int,
    ops: Sequence[QueueOp],
    pending: Sequence[Pending],
    context: Context,
) -> tuple[SoftState, list[tuple[Pending, Refusal]]]:
    """Execute everything again, each transaction after its ops; returns what no longer applies."""
    soft, rejected = SoftState(sealed, last_op), []
    waiting = list(ops)
    for one in pending:
        while waiting and waiting[0].number <= one.ops_before:
            soft.add_ops(context, [waiting.pop(0)])
        try:
            trace = execute(soft.state, context, one.transaction, slot_hint(soft.state, one))
        except (InvalidTransaction, InvalidSignature) as error:
            rejected.append((one, error))
            continue
        soft.append(replace(one, slot=trace.slot))
    soft.add_ops(context, waiting)
    return soft, rejected
