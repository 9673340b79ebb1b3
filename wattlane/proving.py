"""Where sequencer and prover meet: the default circuit, its key, and a process that proves."""

from __future__ import annotations

from pathlib import Path

from protocol.batch import Shape
from prover.circuits.batch import DEFAULT_SHAPE
from prover.jobs import BatchProver, ProofJob, prepare_process, prove_job
from prover.progress import Progress, silent
from sequencer.proving import PoolProver


def prove_for_l1(shape: Shape, cache_folder: Path | None, job: ProofJob) -> bytes:
    """The worker's task: a verified proof as the contract takes it (512 bytes)."""
    return prove_job(shape, cache_folder, job).encode()


def open_prover(
    progress: Progress = silent,
    *,
    cache_folder: Path | None = None,
    shape: Shape = DEFAULT_SHAPE,
    prepared: bool = False,
) -> PoolProver:
    """Kernels, circuit and key made or loaded here, with progress; proofs in a child process.

    `prepared`: the child starts at once and loads while nobody waits for it yet. Raises
    KernelCacheUnwritable, CacheUnwritable, NotEnoughMemory. Close what it returns.
    """
    here = BatchProver(shape, cache_folder=cache_folder, progress=progress)
    here.setup()
    pool = PoolProver(shape, cache_folder, here.verifying_key, here.constraints, prove_for_l1)
    if prepared:
        pool.prepare(prepare_process)
    return pool
