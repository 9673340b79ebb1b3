"""When to seal: by size, by age, by how busy the prover is and by how dear L1 is.

Pure. Waiting makes batches larger and so cheaper for everyone; each wait has an end, by the clock
for users and by L1's own time for queue ops, whose deadlines L1 holds the operator to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from protocol.batch import Shape
from protocol.queue import QueueOp
from sequencer.admission import expiry_of
from sequencer.book import Book
from sequencer.sealing import SealingPolicy
from sequencer.soft import Pending

EXPIRY_MARGIN_S = 900
"""A transaction that has less L1 time left to live is not made to wait for a cheaper L1: final
blocks come in steps of an epoch or two, of 384 s each."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long what is in no batch has waited, in seconds; 0 where nothing waits.

    `oldest_s`: the oldest of all, by the operator's clock; `transaction_s`: the oldest transaction,
    by the same; `op_s`: the oldest queue op that is due, by L1's; `expires_in_s`: L1 time until the
    first transaction expires, infinite where none does.
    """

    oldest_s: float = 0.0
    transaction_s: float = 0.0
    op_s: float = 0.0
    expires_in_s: float = inf


def waits_of(
    policy: SealingPolicy, book: Book, seen_at: Mapping[int, float], now: float, base_fee_wei: int
) -> Waits:
    """Of all that is in no batch. `seen_at`: when each open op was seen final; `now`: as those.

    Expiry is looked for, in the whole mempool, only where L1 is so dear that it decides.
    """
    pending, ops, l1_time = book.soft.pending, book.due_ops, book.position.l1_time
    accepted = [pending[0].accepted_at] if pending else []
    born = accepted + ([seen_at[ops[0].number]] if ops else [])
    at_risk = pending if policy.is_patient(base_fee_wei) else ()
    expiries = (expiry_of(one.transaction) for one in at_risk)
    return Waits(
        oldest_s=now - min(born) if born else 0.0,
        transaction_s=now - accepted[0] if accepted else 0.0,
        op_s=l1_time - ops[0].enqueue_time if ops else 0.0,
        expires_in_s=min((one for one in expiries if one is not None), default=inf) - l1_time,
    )


def is_due(
    policy: SealingPolicy,
    shape: Shape,
    ops: Sequence[QueueOp],
    pending: Sequence[Pending],
    waits: Waits,
    waiting_for_proof: int,
    base_fee_wei: int = 0,
) -> bool:
    """Whether to seal now. `ops`: those that the batch's first proof must consume.

    An idle prover gets a proof as soon as its user slots or its queue slots are full, or what waits
    is old enough. While the prover is busy, or L1 dear, a batch goes on filling, so that much
    traffic makes batches of many proofs; only one that can grow no more is sealed ahead.
    """
    if not (ops or pending) or waiting_for_proof >= policy.sealed_ahead:
        return False
    can_grow = len(pending) < policy.proofs_per_batch * shape.user_slots
    if waiting_for_proof or not can_grow:
        return not can_grow
    if policy.is_patient(base_fee_wei):
        return (
            waits.transaction_s >= policy.patient_age_s
            or waits.op_s >= policy.patient_op_age_s
            or waits.expires_in_s <= EXPIRY_MARGIN_S
        )
    is_full = len(pending) >= shape.user_slots or len(ops) >= shape.queue_slots
    return is_full or waits.oldest_s >= policy.maximum_age_s
