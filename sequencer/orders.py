"""Invariant: every proof that a sealed batch lacks is ordered once, and kept when it is there.

All proofs of all sealed batches are ordered together: a prover with one worker makes them one after
another, oldest first, one with many makes them at once. A batch that is sealed anew withdraws its
orders. A proof that cannot be made is reported and ordered again; the others go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic

import structlog

from prover.errors import ProverError
from prover.jobs import ProofJob
from sequencer.errors import ProofFailed
from sequencer.ledger import Ledger
from sequencer.metrics import Metrics
from sequencer.proving import Prover, check_proof
from sequencer.sealing import SealedBatch
from sequencer.storage.proofs import MadeProof

LOOK_S = 0.2
"""How often to look for batches that were sealed, or sealed anew, meanwhile."""

_FAILURES = (ProverError, OSError, MemoryError, RuntimeError)
_log = structlog.get_logger(__name__)


class ProofOrders:
    """What the prover was asked for. One owner, in one event loop."""

    def __init__(
        self,
        ledger: Ledger,
        prover: Prover,
        look_s: float = LOOK_S,
        metrics: Metrics | None = None,
    ) -> None:
        self._ledger, self._prover, self._look_s = ledger, prover, look_s
        self._metrics = metrics or Metrics()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._asked: dict[str, Future[bytes]] = {}
        self._newest_at = 0.0

    async def step(self) -> bool:
        """Order what is missing and wait a little; False if nothing is under way.

        Raises ProofFailed for an order that failed, StorageError where a proof could not be kept;
        such an order is forgotten, and so made again by the next step.
        """
        self._order(await asyncio.to_thread(self._ledger.wanted_proofs))
        if not self._under_way:
            return False
        await asyncio.wait(
            self._under_way.values(), timeout=self._look_s, return_when=asyncio.FIRST_COMPLETED
        )
        ended = [id_ for id_, task in self._under_way.items() if task.done()]
        tasks = [self._under_way.pop(id_) for id_ in ended]
        for id_ in ended:
            self._asked.pop(id_, None)
        failures = [error for task in tasks if not task.cancelled() and (error := task.exception())]
        if failures:
            raise failures[0]
        return True

    async def close(self) -> None:
        """Withdraw all orders; proofs under way are lost."""
        tasks = list(self._under_way.values())
        self._under_way.clear()
        self._asked.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _order(self, missing: Sequence[tuple[SealedBatch, int]]) -> None:
        wanted: dict[str, tuple[SealedBatch, int, ProofJob]] = {}
        for batch, place in missing:
            job = ProofJob(batch.proofs[place], batch.inputs[place])
            wanted[job.id] = batch, place, job
        for id_, future in self._asked.items():
            if id_ not in wanted:
                future.cancel()  # one that is made already goes its way, and is not kept
        for id_, (batch, place, job) in wanted.items():
            if id_ not in self._under_way:
                self._under_way[id_] = asyncio.create_task(self._make(batch, place, job))

    async def _make(self, batch: SealedBatch, place: int, job: ProofJob) -> None:
        """From the order to the proof in the database."""
        asked_at = monotonic()
        try:
            future = self._asked[job.id] = self._prover.submit(job)
            proof_bytes = await asyncio.wrap_future(future)
            await asyncio.to_thread(check_proof, self._prover, job, proof_bytes)
        except _FAILURES as error:
            raise ProofFailed(batch.number, place, f"{type(error).__name__}: {error}") from error
        seconds, self._newest_at = self._seconds_since(asked_at), monotonic()
        self._metrics.proof_seconds.observe(seconds)
        made = MadeProof(proof_bytes, seconds, self._prover.constraints)
        kept = await asyncio.to_thread(self._ledger.record_proof, batch, place, made)
        _log.info(
            "proof made",
            batch=batch.number,
            proof=f"{place + 1} of {len(batch.proofs)}",
            seconds=round(seconds, 2),
            kept=kept,
        )

    def _seconds_since(self, asked_at: float) -> float:
        """What a proof that arrives now took: since it was asked for, or since the one before it
        arrived. So waiting for another proof counts once, and all together are the time passed."""
        return monotonic() - max(asked_at, self._newest_at)
