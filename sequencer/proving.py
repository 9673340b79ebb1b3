"""Proving behind a port: jobs in, proofs out, in a process of its own that may die and come again.

A proof that comes back is verified here, with other code than made it, before anything relies on
it. The worker process is niced and ends when the sequencer ends, however it ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Protocol

from contracts.verifying_key import VerifyingKey as ContractKey
from protocol.batch import Shape
from prover.groth16.keys import VerifyingKey
from prover.groth16.points import encode
from prover.groth16.proof import Proof
from prover.groth16.verify_arkworks import verify_arkworks
from prover.jobs import ProofJob

NICENESS = 10
"""The prover gives way to whatever else runs here: payments must not wait for proofs."""


class Prover(Protocol):
    """Makes proofs for one circuit."""

    @property
    def shape(self) -> Shape:
        """The circuit's slots."""

    @property
    def verifying_key(self) -> VerifyingKey:
        """What its proofs verify under; L1 must hold the same."""

    @property
    def constraints(self) -> int | None:
        """The circuit's size; None where it is not known."""

    def submit(self, job: ProofJob) -> Future[bytes]:
        """Start to prove; the result is the proof as L1 takes it (512 bytes)."""

    def close(self) -> None:
        """Stop at once; proofs under way are lost."""


def check_proof(prover: Prover, job: ProofJob, proof_bytes: bytes) -> None:
    """Raises a ProverError unless the proof shows what the job says."""
    verify_arkworks(prover.verifying_key, job.public.values(), Proof.decode(proof_bytes))


def contract_key(key: VerifyingKey) -> ContractKey:
    """The key as the contract's deployment takes it."""
    return ContractKey(
        alpha_g1=encode(key.alpha_g1),
        beta_g2=encode(key.beta_g2),
        gamma_g2=encode(key.gamma_g2),
        delta_g2=encode(key.delta_g2),
        ic_g1=tuple(encode(point) for point in key.ic_g1),
    )


Work = Callable[[Shape, "Path | None", ProofJob], bytes]


class PoolProver:
    """A Prover whose work is done by one spawned process; a dead one is replaced."""

    def __init__(
        self,
        shape: Shape,
        cache_folder: Path | None,
        verifying_key: VerifyingKey,
        constraints: int | None,
        work: Work,
    ) -> None:
        """`work`: a top-level function, run in the child."""
        self.shape, self.verifying_key, self.constraints = shape, verifying_key, constraints
        self._cache_folder, self._work = cache_folder, work
        self._pool = _pool()

    def prepare(self, task: Callable[[Shape, Path | None], None]) -> None:
        """Start the process now and let it load what the first proof needs."""
        self._pool.submit(task, self.shape, self._cache_folder)

    def submit(self, job: ProofJob) -> Future[bytes]:
        """See Prover."""
        try:
            return self._pool.submit(self._work, self.shape, self._cache_folder, job)
        except BrokenProcessPool:
            self._pool = _pool()
            return self._pool.submit(self._work, self.shape, self._cache_folder, job)

    def close(self) -> None:
        """See Prover."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_start_worker)


def _start_worker() -> None:
    os.nice(NICENESS)
    parent = parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
