"""Where sequencer and prover meet: the default circuit, its key, and who proves."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from protocol.batch import Shape
from prover.circuits.batch import DEFAULT_SHAPE
from prover.distribution import (
    Key,
    LocalProcesses,
    ProvingPool,
    Requirement,
    Terms,
    Workforce,
    open_cluster,
)
from prover.jobs import BatchProver
from prover.progress import Progress, silent


def open_prover(
    progress: Progress = silent,
    *,
    cache_folder: Path | None = None,
    shape: Shape = DEFAULT_SHAPE,
    prepared: bool = False,
    scheduler: str | None = None,
    processes: int = 1,
    terms: Terms | None = None,
) -> ProvingPool:
    """Kernels, circuit and key made or loaded here, with progress; proofs by others.

    `scheduler`: the address of a Dask cluster's; None is this machine, `processes` proofs at
    once. `prepared`: local processes start at once and load while nobody waits for them yet.
    Raises KernelCacheUnwritable, CacheUnwritable, NotEnoughMemory, DaskMissing,
    SchedulerUnreachable. Close what it returns.
    """
    with ExitStack() as stack:
        workforce: Workforce
        if scheduler is None:
            workforce = local = LocalProcesses(processes)
        else:
            workforce, local = open_cluster(scheduler), None
        stack.callback(workforce.close)
        here = BatchProver(shape, cache_folder=cache_folder, progress=progress)
        here.setup()
        requirement = Requirement(
            shape,
            here.key.circuit,
            here.verifying_key.digest().hex(),
            cache_folder if scheduler is None else None,
        )
        if local is not None and prepared:
            local.prepare(requirement)
        stack.pop_all()
    key = Key(here.verifying_key, here.constraints, here.key_folder)
    return ProvingPool(requirement, key, workforce, terms)
