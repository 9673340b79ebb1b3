"""Invariant: what goes wrong far away names the worker it went wrong on, and what to do there."""

from __future__ import annotations

from dataclasses import dataclass

from prover.errors import ProverError


@dataclass(frozen=True, slots=True)
class Worker:
    """Who made something: host name, process id, and on a cluster the Dask address."""

    host: str
    pid: int
    address: str = ""

    def __str__(self) -> str:
        return f"{self.address or 'local process'} (host {self.host}, pid {self.pid})"


class DistributionError(ProverError):
    """Base of the errors of proving in other processes."""


@dataclass(eq=False)
class WrongProof(DistributionError):
    """A worker returned what is no proof of its job. `job` is the job's id."""

    worker: Worker
    job: str
    why: str

    def __str__(self) -> str:
        return f"worker {self.worker} gave a wrong proof of job {self.job[:16]}: {self.why}"


@dataclass(eq=False)
class WorkerLost(DistributionError):
    """The process that worked on a job, or the way to it, is gone."""

    job: str
    why: str

    def __str__(self) -> str:
        return f"the worker of job {self.job[:16]} was lost: {self.why}"


@dataclass(eq=False)
class ProofTimeout(DistributionError):
    """A job took longer than is allowed. `worker` is "" where nobody knows who had it."""

    worker: str
    job: str
    timeout_s: float

    def __str__(self) -> str:
        who = self.worker or "the cluster"
        return f"{who} did not prove job {self.job[:16]} within {self.timeout_s:g} s"


@dataclass(eq=False)
class WorkerFailed(DistributionError):
    """A worker could not work: no memory, no disk. None: it did not get to its name."""

    worker: Worker | None
    why: str

    def __str__(self) -> str:
        return f"worker {self.worker or 'unknown'} failed: {self.why}"


@dataclass(eq=False)
class WorkerLacksKey(DistributionError):
    """The key that a proof is wanted under (hex digest) is not in the worker's cache folder."""

    worker: Worker
    key: str
    folder: str

    def __str__(self) -> str:
        return (
            f"worker {self.worker} lacks proving key {self.key[:16]} in {self.folder}: copy the "
            "key's folder there, or let both machines share one cache folder (WATTLANE_CACHE)"
        )


@dataclass(eq=False)
class OtherCircuit(DistributionError):
    """A worker's program records another circuit. Hex digests."""

    worker: Worker
    wanted: str
    found: str

    def __str__(self) -> str:
        return (
            f"worker {self.worker} has circuit {self.found[:16]}, not {self.wanted[:16]}: "
            "install the same version of Wattlane there"
        )


@dataclass(eq=False)
class NoWorkers(DistributionError):
    """Nobody is there who could prove."""

    scheduler: str
    why: str

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return (
            f"no worker of {self.scheduler} can prove{why}; "
            f"start one with `wattlane prover worker {self.scheduler}`"
        )


@dataclass(eq=False)
class SchedulerUnreachable(DistributionError):
    """No Dask scheduler answers at the address."""

    scheduler: str
    why: str

    def __str__(self) -> str:
        return (
            f"no Dask scheduler answers at {self.scheduler} ({self.why}); "
            "start one with `dask scheduler`, or correct the address"
        )


class DaskMissing(DistributionError):
    """The optional packages for a cluster are not installed."""

    def __str__(self) -> str:
        return "proving on a cluster needs Dask: pip install 'wattlane[cluster]'"


class PoolClosed(DistributionError):
    """The pool was closed, or the job was cancelled, before there was a proof."""

    def __str__(self) -> str:
        return "the proving pool was closed"
