"""Where a sequencer stands at one moment, in numbers: for metrics and health, never for decisions.

Ages of queue ops are in L1's time, as their deadlines are; others are in the operator's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from protocol.queue import Deposit, NewAccount
from sequencer.ledger import Ledger
from sequencer.storage.schema import BatchStatus

BATCH_STATUSES = tuple(status for status in BatchStatus if status is not BatchStatus.FINAL)


@dataclass(frozen=True, slots=True)
class Standing:
    """`queue_ops`: those that no final batch has consumed; `forced_age_s`: of the oldest of them
    that brings no money, 0 where there is none. `batches`: on their way, by status. Seconds.
    """

    queue_ops: int
    queue_age_s: float
    forced_age_s: float
    mempool: int
    mempool_age_s: float
    watch_lag_s: float
    final_batch: int
    proofs_missing: int
    batches: Mapping[str, int]


def standing_of(ledger: Ledger, now: float, watch_lag_s: float) -> Standing:
    """What the ledger says; `now` by the operator's clock."""
    with ledger.lock:
        book = ledger.book
        l1_time, ops = book.position.l1_time, list(book.ops)
        pending = book.soft.pending[:1]
        mempool, final = len(book.soft.pending), book.final_number
        missing = sum(len(one.missing) for one in book.chain)
        batches = Counter(str(one.status) for one in book.chain)
    forced = [op for op in ops if not isinstance(op, NewAccount | Deposit)]
    return Standing(
        queue_ops=len(ops),
        queue_age_s=_age(l1_time, [op.enqueue_time for op in ops[:1]]),
        forced_age_s=_age(l1_time, [op.enqueue_time for op in forced[:1]]),
        mempool=mempool,
        mempool_age_s=_age(now, [one.accepted_at for one in pending]),
        watch_lag_s=watch_lag_s,
        final_batch=final,
        proofs_missing=missing,
        batches=batches,
    )


def _age(now: float, born: list[int] | list[float]) -> float:
    return max(0.0, now - born[0]) if born else 0.0
