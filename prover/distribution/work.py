"""Invariant: a worker proves under the circuit and key it is told to, or says why it does not.

Keys are made with local entropy, so two machines have different ones for the same circuit: an
order therefore names circuit and key by their digests. Whatever a worker raises for reasons of its
own names it; only what is wrong with the job itself does not.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from protocol.batch import Shape
from protocol.crypto.kernel_cache import KernelCacheUnwritable
from prover.cache import CacheUnwritable
from prover.distribution.errors import OtherCircuit, Worker, WorkerFailed, WorkerLacksKey
from prover.errors import KeyNotFound, WrongShape
from prover.jobs import BatchProver, ProofJob
from prover.memory import NotEnoughMemory

_log = logging.getLogger(__name__)
_OUR_TROUBLE = (OSError, MemoryError, NotEnoughMemory, CacheUnwritable, KernelCacheUnwritable)
_ONE_AT_A_TIME = threading.Lock()
"""A proof uses all cores and much memory, so a process makes one, whatever its executor starts."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a worker must have: the circuit of a shape and a key of it, by their hex digests.

    `cache_folder`: where its keys are; None is the cache folder of the worker's user.
    """

    shape: Shape
    circuit: str
    key: str
    cache_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A job, and what it is to be proved with. Picklable."""

    requirement: Requirement
    job: ProofJob

    @property
    def id(self) -> str:
        """SHA-256, in hex, of the job's id and the key: the same order is the same work."""
        return hashlib.sha256(f"{self.job.id} {self.requirement.key}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A proof as L1 takes it (512 bytes), and who says to have made it."""

    proof_bytes: bytes
    worker: Worker


def prove_order(order: Order, address: str = "") -> Delivery:
    """Prove in this process. `address` is its own on a cluster.

    Raises WorkerLacksKey, OtherCircuit, WorkerFailed, and what BatchProver.prove raises about
    the job: BrokenConstraint, WrongShape.
    """
    worker = this_worker(address)
    if order.job.executed.shape != order.requirement.shape:
        raise WrongShape(str(order.job.executed.shape), str(order.requirement.shape))
    try:
        with _ONE_AT_A_TIME:
            prover = _ready(order.requirement, worker)
            return Delivery(prover.prove(order.job).encode(), worker)
    except _OUR_TROUBLE as error:
        failure = WorkerFailed(worker, f"{type(error).__name__}: {error}")
        _log.error("%s", failure)
        raise failure from error


def prepare(requirement: Requirement, address: str = "") -> None:
    """Load what prove_order needs here, ahead of the first order. Raises as it does."""
    worker = this_worker(address)
    try:
        with _ONE_AT_A_TIME:
            _ready(requirement, worker)
    except _OUR_TROUBLE as error:
        raise WorkerFailed(worker, f"{type(error).__name__}: {error}") from error


def this_worker(address: str = "") -> Worker:
    """This process."""
    return Worker(socket.gethostname(), os.getpid(), address)


def _ready(requirement: Requirement, worker: Worker) -> BatchProver:
    try:
        return _prover(requirement)
    except KeyNotFound as error:
        _log.warning("%s", error)
        if error.circuit != requirement.circuit:
            raise OtherCircuit(worker, requirement.circuit, error.circuit) from error
        raise WorkerLacksKey(worker, error.key, str(error.folder)) from error


@lru_cache(maxsize=1)
def _prover(requirement: Requirement) -> BatchProver:
    key = bytes.fromhex(requirement.key)
    prover = BatchProver(requirement.shape, cache_folder=requirement.cache_folder, key=key)
    prover.setup()
    return prover
