"""Everything that the sequencer holds in memory: final state, batches on the way, soft state.

A book is always what the database says, executed; it decides nothing and writes nothing. Mutable,
with one owner (the ledger), under whose lock it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from protocol.batch import Shape
from protocol.queue import QueueOp
from protocol.state import State
from protocol.trace import Context
from sequencer.history import History
from sequencer.sealing import SealedBatch, Sealing, SealingPolicy, Terms, seal_batch
from sequencer.soft import Pending, Refusal, SoftState, context_at, due_ops, rebuild
from sequencer.storage.schema import BatchStatus


@dataclass(frozen=True, slots=True)
class Rollup:
    """Which rollup this is: its domain, its circuit's shape, who gets the fees."""

    domain: int
    shape: Shape
    operator_index: int


@dataclass(frozen=True, slots=True)
class L1Position:
    """The newest final L1 block that was followed (-1: none). `l1_time` is its timestamp."""

    block: int = -1
    block_hash: str = ""
    l1_time: int = 0


@dataclass(slots=True)
class ChainedBatch:
    """A sealed batch that is not final yet, with what changes on its way.

    `proofs_bytes`: the proofs that were made so far, by their place in the batch.
    """

    sealed: SealedBatch
    status: BatchStatus = BatchStatus.SEALED
    proofs_bytes: dict[int, bytes] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        """The places of the proofs that were not made yet, in order."""
        return [place for place in range(len(self.sealed.proofs)) if place not in self.proofs_bytes]


class Book:
    """See the module. `ops` are all ops after `final_last_op`, in order."""

    def __init__(
        self,
        rollup: Rollup,
        position: L1Position,
        final_number: int,
        final_state: State,
        final_last_op: int,
        chain: list[ChainedBatch],
        ops: list[QueueOp],
    ) -> None:
        self.rollup, self.position = rollup, position
        self.final_number, self.final_state = final_number, final_state
        self.final_last_op = final_last_op
        self.chain, self.ops = chain, ops
        self.history = History()
        self.history.add(final_number, final_state.root, final_state)
        for one in chain:
            self.history.add(one.sealed.number, one.sealed.new_root, one.sealed.state)
        self.soft = SoftState(self.sealed_state, self.sealed_last_op)

    @property
    def sealed_number(self) -> int:
        """The newest sealed batch; the open one has the next number."""
        return self.chain[-1].sealed.number if self.chain else self.final_number

    @property
    def sealed_state(self) -> State:
        """The state after the newest sealed batch."""
        return self.chain[-1].sealed.state if self.chain else self.final_state

    @property
    def sealed_last_op(self) -> int:
        """The newest op that a sealed batch consumed."""
        return self.chain[-1].sealed.last_op if self.chain else self.final_last_op

    @property
    def open_ops(self) -> list[QueueOp]:
        """The ops that no sealed batch has consumed."""
        return self.ops[self.sealed_last_op - self.final_last_op :]

    @property
    def due_ops(self) -> Sequence[QueueOp]:
        """The ops that the next batch's first proof must consume."""
        return due_ops(self.open_ops, self.position.l1_time, self.rollup.shape.queue_slots)

    def context(self) -> Context:
        """The context of a batch sealed now: that of its first proof, the strictest."""
        rollup = self.rollup
        ops = self.open_ops
        return context_at(rollup.domain, self.position.l1_time, ops, rollup.shape.queue_slots)

    def find(self, number: int) -> ChainedBatch | None:
        """A batch on its way, by number."""
        return next((one for one in self.chain if one.sealed.number == number), None)

    def seal(self, policy: SealingPolicy) -> Sealing:
        """What the next batch would be; changes nothing. Raises as `seal_batch`."""
        rollup = self.rollup
        terms = Terms(
            rollup.shape,
            rollup.domain,
            self.position.l1_time,
            rollup.operator_index,
            policy.proofs_per_batch,
            policy.data_mode,
        )
        return seal_batch(
            self.sealed_number + 1,
            terms,
            self.sealed_state,
            self.sealed_last_op,
            self.open_ops,
            self.soft.pending,
        )

    def push(self, sealed: SealedBatch) -> None:
        """Append a sealed batch; the soft state must be rebuilt on it."""
        self.chain.append(ChainedBatch(sealed))
        self.history.add(sealed.number, sealed.new_root, sealed.state)

    def cut(self, first: int) -> list[Pending]:
        """Drop this and later batches; returns their transactions, in order."""
        dropped = [one for one in self.chain if one.sealed.number >= first]
        self.chain = [one for one in self.chain if one.sealed.number < first]
        self.history.forget_from(first)
        return [pending for one in dropped for pending in one.sealed.included]

    def finish(self, number: int, state: State, last_op: int) -> None:
        """Batch `number` is final and led to `state`, with ops up to `last_op` consumed."""
        self.chain = [one for one in self.chain if one.sealed.number > number]
        self.ops = self.ops[last_op - self.final_last_op :]
        self.final_number, self.final_state, self.final_last_op = number, state, last_op
        if self.history.find(state.root) is None:
            self.history.add(number, state.root, state)

    def rebuild(self, pending: Sequence[Pending]) -> list[tuple[Pending, Refusal]]:
        """Execute these transactions anew on what is sealed; returns what no longer applies."""
        self.soft, rejected = rebuild(
            self.sealed_state, self.sealed_last_op, self.open_ops, pending, self.context()
        )
        return rejected
