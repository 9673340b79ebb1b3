"""Where sequencer and prover meet: the default circuit, its key, and who proves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.reader import RollupReader
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
from prover.errors import KeyNotFound
from prover.jobs import BatchProver
from prover.progress import Progress, silent
from wattlane.errors import WattlaneError
from wattlane.proof_check import from_contract_key


@dataclass
class ProvingKeyMissing(WattlaneError):
    """The cache does not hold the key that the contract verifies with. Hex digests."""

    key: str
    circuit: str
    folder: str

    def __str__(self) -> str:
        return (
            f"the contract's proving key {self.key[:16]} is not here: get its .zkey and run "
            f"`wattlane ceremony import`, or copy {self.folder}/keys/{self.circuit} from a machine "
            "that has it"
        )


def open_prover(
    progress: Progress = silent,
    *,
    cache_folder: Path | None = None,
    shape: Shape = DEFAULT_SHAPE,
    prepared: bool = False,
    scheduler: str | None = None,
    processes: int = 1,
    terms: Terms | None = None,
    key: bytes | None = None,
) -> ProvingPool:
    """Kernels, circuit and key made or loaded here, with progress; proofs by others.

    `scheduler`: the address of a Dask cluster's; None is this machine, `processes` proofs at
    once. `prepared`: local processes start at once and load while nobody waits for them yet. `key`:
    the digest of the verifying key to prove under, for which no key is made.
    Raises KeyNotFound, KernelCacheUnwritable, CacheUnwritable, NotEnoughMemory, DaskMissing,
    SchedulerUnreachable. Close what it returns.
    """
    with ExitStack() as stack:
        workforce: Workforce
        if scheduler is None:
            workforce = local = LocalProcesses(processes)
        else:
            workforce, local = open_cluster(scheduler), None
        stack.callback(workforce.close)
        here = BatchProver(shape, cache_folder=cache_folder, key=key, progress=progress)
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
    found = Key(here.verifying_key, here.constraints, here.key_folder)
    return ProvingPool(requirement, found, workforce, terms)


@contextmanager
def open_prover_for(
    reader: RollupReader, progress: Progress = silent, *, scheduler: str | None = None
) -> Iterator[ProvingPool]:
    """A prover of a deployed rollup's circuit, under the very key that the contract holds.

    Raises ProvingKeyMissing, and as `open_prover` and the reader.
    """
    key = from_contract_key(reader.verifying_key()).digest()
    shape = reader.settings().shape
    try:
        prover = open_prover(progress, shape=shape, scheduler=scheduler, key=key)
    except KeyNotFound as error:
        raise ProvingKeyMissing(error.key, error.circuit, str(error.folder)) from error
    with closing(prover):
        yield prover
