"""Sealing: which ops and transactions make the next batch, executed in the context that L1 gives.

Pure. A batch is a chain of proofs with one L1 time and one challenge. Each consumes exactly the
queue ops that L1 demands of it, then takes transactions in the mempool's order until one does not
fit, which begins the next proof; there is none without work. What no longer applies in its proof's
own context is named and left out, and the rest goes on. Nothing that was given in is changed.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from contracts.blob_transactions import Sidecar
from protocol.batch import ExecutedProof, PublicInputs, Shape, challenge, public_inputs
from protocol.blobs import blob_of
from protocol.errors import InvalidSignature, InvalidTransaction
from protocol.proof_builder import ProofBuilder
from protocol.queue import QueueOp
from protocol.state import State
from sequencer.soft import Pending, Refusal, context_at, due_ops, slot_hint

PROOFS_PER_BATCH = 8
"""Most of what a batch costs on L1 whatever it holds is then shared by eight: a proof alone takes
278,000 gas, one of 4 takes 136,000, one of 16 takes 89,000 (contracts/snapshots/gas.json). More
would save little, and the first proof waits for the last before L1 sees any of them.
"""


class DataMode(StrEnum):
    """Where a batch's data go on L1: the challenge binds it, so a sealed batch has one for good."""

    CALLDATA = "calldata"
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class SealingPolicy:
    """When a batch is worth sealing, how many proofs it may have, and where its data go.

    Ages in seconds of the operator's clock; `sealed_ahead`: batches that may wait for proofs.

    While L1's base fee is above `patient_above_wei` (None: never) a batch is sealed only when it is
    full, or something in it may wait no longer: a transaction older than `patient_age_s` or about
    to expire, a queue op that L1 has held for `patient_op_age_s` of its own time.
    """

    maximum_age_s: float = 20.0
    sealed_ahead: int = 2
    proofs_per_batch: int = PROOFS_PER_BATCH
    data_mode: DataMode = DataMode.CALLDATA
    patient_above_wei: int | None = None
    patient_age_s: float = 900.0
    patient_op_age_s: float = 3_600.0

    def is_patient(self, base_fee_wei: int) -> bool:
        """Whether L1 is so dear that larger batches are waited for."""
        return self.patient_above_wei is not None and base_fee_wei > self.patient_above_wei


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch whose content is fixed. `id` names it with its context: re-sealing changes it.

    `proofs` are chained: each begins where the one before ended; `inputs` are theirs, in order.
    `included`: the transactions of all proofs, in order. `sidecar`: the blob that holds its data;
    None where they go into calldata.
    """

    number: int
    proofs: tuple[ExecutedProof, ...]
    inputs: tuple[PublicInputs, ...]
    included: tuple[Pending, ...]
    first_op: int
    state: State
    sidecar: Sidecar | None

    @classmethod
    def of(
        cls,
        number: int,
        proofs: Sequence[ExecutedProof],
        included: Iterable[Pending],
        first_op: int,
        state: State,
        data_mode: DataMode = DataMode.CALLDATA,
    ) -> SealedBatch:
        """Seal executed proofs with one challenge over all; `state` is that after the last.

        Raises KzgUnavailable where the data go into a blob and KZG cannot be computed here.
        """
        sidecar = None
        if data_mode is DataMode.BLOB:
            sidecar = Sidecar.of(blob_of([element for proof in proofs for element in proof.data]))
        z = challenge(proofs, None if sidecar is None else sidecar.versioned_hash)
        inputs = tuple(public_inputs(proof, z) for proof in proofs)
        return cls(number, tuple(proofs), inputs, tuple(included), first_op, state, sidecar)

    @property
    def data_mode(self) -> DataMode:
        """Where its data go."""
        return DataMode.CALLDATA if self.sidecar is None else DataMode.BLOB

    @property
    def id(self) -> str:
        """SHA-256 of the proofs' public inputs, which bind everything that they say."""
        text = ",".join(str(value) for inputs in self.inputs for value in inputs.values())
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def l1_time(self) -> int:
        """One for all proofs."""
        return self.proofs[0].context.l1_time

    @property
    def queue_covered(self) -> int:
        """How far the queue is covered once the whole batch is accepted."""
        return self.proofs[-1].context.queue_covered

    @property
    def old_root(self) -> int:
        """Where the first proof begins."""
        return self.proofs[0].old_root

    @property
    def new_root(self) -> int:
        """Where the last proof ends."""
        return self.proofs[-1].new_root

    @property
    def ops(self) -> tuple[QueueOp, ...]:
        """The queue ops that the proofs consumed, in order."""
        return tuple(trace.op for proof in self.proofs for trace in proof.queue)

    @property
    def last_op(self) -> int:
        """The newest queue op that the batch consumed, or that those before it did."""
        return self.first_op + len(self.ops) - 1

    @property
    def placed(self) -> list[tuple[str, int]]:
        """Ids of the transactions in order, each with the slot that its channel has."""
        slots = [trace.slot for proof in self.proofs for trace in proof.users]
        return [(one.id, slot) for one, slot in zip(self.included, slots, strict=True)]


@dataclass(frozen=True, slots=True)
class Sealing:
    """A sealed batch (None: nothing could go into it), and what had to be left out, and why."""

    batch: SealedBatch | None
    rejected: tuple[tuple[Pending, Refusal], ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What all proofs of a batch have in common."""

    shape: Shape
    domain: int
    l1_time: int
    operator_index: int
    most_proofs: int
    data_mode: DataMode = DataMode.CALLDATA


def seal_batch(
    number: int,
    terms: Terms,
    state: State,
    last_op: int,
    ops: Sequence[QueueOp],
    pending: Sequence[Pending],
) -> Sealing:
    """Make batch `number` on `state`; `last_op` is the last op consumed before it.

    Raises NoOperatorAccount where fees were taken and the operator has no account, and as
    `SealedBatch.of`.
    """
    after, work = state.copy(), _Work(list(ops), deque(pending), last_op)
    proofs: list[ExecutedProof] = []
    while len(proofs) < terms.most_proofs:
        proof = _next_proof(terms, after, work)
        if proof is None:
            break
        proofs.append(proof)
    rejected = tuple(work.rejected)
    if not proofs:
        return Sealing(None, rejected)
    batch = SealedBatch.of(number, proofs, work.included, last_op + 1, after, terms.data_mode)
    return Sealing(batch, rejected)


@dataclass(slots=True)
class _Work:
    """What is left to do, and what became of the rest. `last_op`: the newest one consumed."""

    ops: list[QueueOp]
    pending: deque[Pending]
    last_op: int
    included: list[Pending] = field(default_factory=list)
    rejected: list[tuple[Pending, Refusal]] = field(default_factory=list)


def _next_proof(terms: Terms, state: State, work: _Work) -> ExecutedProof | None:
    """The next proof of all that is left; None where nothing can go into it."""
    queue_slots = terms.shape.queue_slots
    due = due_ops(work.ops, terms.l1_time, queue_slots)
    context = context_at(terms.domain, terms.l1_time, work.ops, queue_slots)
    builder = ProofBuilder(state, terms.shape, context, terms.operator_index)
    for op in due:
        builder.consume(op)
    work.ops, work.last_op = work.ops[len(due) :], work.last_op + len(due)
    before = len(work.included)
    while work.pending and work.pending[0].ops_before <= work.last_op:
        one, slot = work.pending[0], slot_hint(state, work.pending[0])
        if not builder.admits(one.transaction, slot):
            break
        work.pending.popleft()
        try:
            builder.add(one.transaction, slot)
        except (InvalidTransaction, InvalidSignature) as error:
            work.rejected.append((one, error))
        else:
            work.included.append(one)
    return builder.finish() if due or len(work.included) > before else None
