"""Invariant: a future of this pool resolves to a proof that was verified here, or to an error.

The verifier shares no code with the prover. A lost worker's job is given out again; a wrong proof
is blamed on its worker, which gets no more jobs, and another makes it anew. How work reaches the
workers is a Workforce's business: local.py and cluster.py, both on concurrent.futures.Executor.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from protocol.batch import Shape
from prover.distribution.errors import (
    NoWorkers,
    OtherCircuit,
    PoolClosed,
    ProofTimeout,
    SchedulerUnreachable,
    Worker,
    WorkerFailed,
    WorkerLacksKey,
    WorkerLost,
    WrongProof,
)
from prover.distribution.work import Delivery, Order, Requirement
from prover.errors import ProverError
from prover.groth16.errors import MalformedEncoding, VerificationError
from prover.groth16.keys import VerifyingKey
from prover.groth16.proof import Proof
from prover.groth16.verify_arkworks import verify_arkworks
from prover.jobs import ProofJob

_log = logging.getLogger(__name__)

_JOBS_AT_ONCE = 64
_LOOK_EVERY_S = 0.5
_LAST_PAUSE_S = 10.0
_TRIED_AGAIN = (
    WorkerLost,
    WrongProof,
    ProofTimeout,
    OtherCircuit,
    WorkerFailed,
    NoWorkers,
    SchedulerUnreachable,
)


class Workforce(Protocol):
    """Workers that take orders. `name` is what one attempt at an order is called."""

    lost: tuple[type[BaseException], ...]
    """What a future raises where its worker, or the way to it, is gone."""

    def start(self, order: Order, name: str, wanted: Callable[[], bool]) -> Future[Delivery]:
        """Give out an order, unless it is not wanted any more when there is room for it.

        Raises NoWorkers, SchedulerUnreachable, PoolClosed.
        """

    def check(self, name: str) -> None:
        """Raises NoWorkers, WorkerLost where nobody is left who should finish an attempt."""

    def abandon(self, name: str) -> str:
        """Part with the worker that an attempt hangs on; returns who it is, "" if unknown."""

    def dismiss(self, worker: Worker, name: str, why: str) -> Worker:
        """No more orders for the worker of an attempt, and who that is for certain."""

    def rest(self, worker: Worker, why: str) -> None:
        """No orders for a while for a worker that cannot work now."""

    def supply(self, error: WorkerLacksKey, key_folder: Path) -> None:
        """Bring the key's files to a worker, or have brought them before.

        Raises WorkerFailed, or the error that is given where nothing can be brought.
        """

    def ailments(self) -> Mapping[str, str]:
        """What is wrong with whom, for a health report; never waits."""

    def close(self) -> None:
        """Stop what can be stopped; a second time is nothing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How patient a pool is.

    `timeout_s`: for so long a job may be out without any job coming back. `attempts`: how often
    a job is given out before its future fails. `pause_s`: before the second, doubled each time.
    """

    timeout_s: float = 900.0
    attempts: int = 4
    pause_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Key:
    """The key that a pool's workers use: its verifying key, its circuit's size, its files."""

    verifying_key: VerifyingKey
    constraints: int | None
    folder: Path


class ProvingPool:
    """Proofs of one circuit under one key, by a workforce that it owns. Close it."""

    def __init__(
        self,
        requirement: Requirement,
        key: Key,
        workforce: Workforce,
        terms: Terms | None = None,
    ) -> None:
        self.verifying_key, self.constraints = key.verifying_key, key.constraints
        self._requirement, self._workforce, self._key = requirement, workforce, key
        self._terms = terms or Terms()
        self._threads = ThreadPoolExecutor(_JOBS_AT_ONCE, "proving")
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._given: dict[str, Future[bytes]] = {}
        self._trouble: dict[str, str] = {}
        self._last_delivery = monotonic()

    @property
    def shape(self) -> Shape:
        """The circuit's slots."""
        return self._requirement.shape

    def submit(self, job: ProofJob) -> Future[bytes]:
        """A verified proof as L1 takes it (512 bytes). Cancel the future to give the job up; a
        proof that is being made is then still finished, and nobody takes it.

        A job that is already being proved is not proved twice: its future is returned. It fails
        with what is wrong with the job (BrokenConstraint, WrongShape), or, after all attempts,
        with the last one's DistributionError.
        """
        order = Order(self._requirement, job)
        with self._lock:
            present = self._given.get(order.id)
            if present is not None and not present.cancelled():
                return present
            outer: Future[bytes] = Future()
            self._given[order.id] = outer
        try:
            self._threads.submit(self._run, order, outer)
        except RuntimeError:  # after close
            outer.set_exception(PoolClosed())
        return outer

    def ailments(self) -> Mapping[str, str]:
        """What is wrong with workers and jobs, for a health report; never waits."""
        with self._lock:
            return {**self._trouble, **self._workforce.ailments()}

    def close(self) -> None:
        """Stop at once: jobs under way are given up, and their futures fail."""
        self._closing.set()
        self._workforce.close()
        self._threads.shutdown(wait=False)

    def _run(self, order: Order, outer: Future[bytes]) -> None:
        proof_bytes, failure = b"", None
        try:
            proof_bytes = self._prove(order, outer)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the future
            failure = error
        with self._lock:
            self._trouble.pop(_title(order), None)
            if self._given.get(order.id) is outer:
                del self._given[order.id]
        if not outer.set_running_or_notify_cancel():
            return
        if failure is None:
            outer.set_result(proof_bytes)
        else:
            outer.set_exception(failure)

    def _prove(self, order: Order, outer: Future[bytes]) -> bytes:
        """Attempts until one gives a proof that verifies, or all are used up."""
        tries, failures, pause_s = 0, 0, self._terms.pause_s
        supplied: set[Worker] = set()
        while True:
            name = f"{order.id}-{tries}" if tries else order.id
            tries += 1
            try:
                return self._attempt(order, name, outer)
            except WorkerLacksKey as error:
                failure = self._supply(error, supplied)
            except _TRIED_AGAIN as error:
                failure = error
            if failure is None:
                continue
            failures += 1
            _log.warning("attempt %d of %d: %s", failures, self._terms.attempts, failure)
            with self._lock:
                self._trouble[_title(order)] = str(failure)
            if failures == self._terms.attempts:
                raise failure
            if self._closing.wait(pause_s):
                raise PoolClosed
            pause_s = min(2 * pause_s, _LAST_PAUSE_S)

    def _supply(self, lacking: WorkerLacksKey, supplied: set[Worker]) -> ProverError | None:
        """Send the key once for each job that misses it: other jobs may have asked meanwhile."""
        worker = lacking.worker
        if worker in supplied:
            why = "lacks the key that it was sent"
            self._workforce.rest(worker, why)
            return WorkerFailed(worker, why)
        supplied.add(worker)
        try:
            self._workforce.supply(lacking, self._key.folder)
        except _TRIED_AGAIN as error:
            return error
        return None

    def _attempt(self, order: Order, name: str, outer: Future[bytes]) -> bytes:
        def wanted() -> bool:
            return not (self._closing.is_set() or outer.cancelled())

        if not wanted():
            raise PoolClosed
        future = self._workforce.start(order, name, wanted)
        self._wait(order, name, future, wanted)
        delivery = self._delivered(order, name, future)
        self._last_delivery = monotonic()
        try:
            proof = Proof.decode(delivery.proof_bytes)
            verify_arkworks(self.verifying_key, order.job.public.values(), proof)
        except (VerificationError, MalformedEncoding) as error:
            why = f"{type(error).__name__}: {error}"
            worker = self._workforce.dismiss(delivery.worker, name, f"gave a wrong proof: {why}")
            raise WrongProof(worker, order.job.id, why) from error
        return delivery.proof_bytes

    def _delivered(self, order: Order, name: str, future: Future[Delivery]) -> Delivery:
        try:
            delivery = future.result()
        except self._workforce.lost as error:
            if self._closing.is_set():
                raise PoolClosed from error
            raise WorkerLost(order.job.id, f"{type(error).__name__}: {error}") from error
        except OtherCircuit as error:
            self._workforce.dismiss(error.worker, name, str(error))
            raise
        except WorkerFailed as error:
            if error.worker is not None:
                self._workforce.rest(error.worker, error.why)
            raise
        except ProverError:
            raise
        except Exception as error:
            raise WorkerFailed(None, f"{type(error).__name__}: {error}") from error
        if not isinstance(delivery, Delivery) or not isinstance(delivery.proof_bytes, bytes):
            raise WorkerFailed(None, f"a worker delivered no proof: {type(delivery).__name__}")
        return delivery

    def _wait(
        self, order: Order, name: str, future: Future[Delivery], wanted: Callable[[], bool]
    ) -> None:
        """Until the attempt is done. Raises PoolClosed, ProofTimeout, NoWorkers, WorkerLost."""
        started = monotonic()
        while not wait([future], _LOOK_EVERY_S).done:
            if not wanted():
                future.cancel()
                raise PoolClosed
            try:
                self._workforce.check(name)
            except NoWorkers:
                future.cancel()
                raise
            except WorkerLost as error:
                future.cancel()
                raise WorkerLost(order.job.id, error.why) from error
            if monotonic() - max(started, self._last_delivery) > self._terms.timeout_s:
                who = self._workforce.abandon(name)
                future.cancel()
                raise ProofTimeout(who, order.job.id, self._terms.timeout_s)


def _title(order: Order) -> str:
    return f"proof {order.job.id[:16]}"
