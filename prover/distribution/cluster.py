"""Invariant: an order goes to any worker of a Dask cluster but those that were dismissed.

Queueing, sharing out and the repeat of what a dead worker was doing are Dask's, behind its
concurrent.futures.Executor; here is who may work, the keys that workers lack, and the way back to
a scheduler that went away. A dismissed worker stays in the cluster, for others' work, and is asked
again once it was restarted.

Dask trusts its members: whoever reaches the scheduler can run programs on every worker and here.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from distributed import Client, get_worker
from distributed.client import ClosedClientError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from prover.distribution.errors import (
    NoWorkers,
    SchedulerUnreachable,
    Worker,
    WorkerFailed,
    WorkerLacksKey,
    WorkerLost,
)
from prover.distribution.key_transfer import send_key
from prover.distribution.work import Delivery, Order, prove_order

_log = logging.getLogger(__name__)

CONNECT_S = 10.0
CLOSE_S = 2.0
LOOK_EVERY_S = 2.0
REST_S = 300.0
UNTIL_ANEW = "it gets no proofs until it is started anew"
_TALK_FAILED = (OSError, RuntimeError, AttributeError, CancelledError, TimeoutError)
"""What talking to the scheduler raises. AttributeError: the client was closed meanwhile."""


async def _holders(client: Client, name: str) -> Sequence[str]:
    """The workers that hold a task's result."""
    scheduler = client.scheduler
    if scheduler is None:
        return ()
    found: Mapping[str, Sequence[str]] = await scheduler.who_has(keys=[name])
    return found.get(name, ())


def prove_as_task(order: Order) -> Delivery:
    """What a worker runs. Raises as prove_order."""
    return prove_order(order, get_worker().address)


@dataclass(frozen=True, slots=True)
class _Dismissal:
    """Holds for one life of a worker, `member`, until a time of the monotonic clock."""

    member: str
    why: str
    until: float


@dataclass(frozen=True, slots=True)
class _Attempt:
    """By whose connection an order was given out; `bound`: who alone may take it, if not all."""

    client: Client
    bound: frozenset[str]


class Cluster:
    """See pool.Workforce."""

    lost: tuple[type[BaseException], ...] = (
        KilledWorker,
        CommClosedError,
        CancelledError,
        BrokenProcessPool,
    )

    def __init__(self, scheduler: str) -> None:
        """`scheduler`: tcp://HOST:PORT, or tls:// where Dask is configured for it.

        Raises SchedulerUnreachable.
        """
        self._scheduler = scheduler
        self._lock, self._supplying = threading.Lock(), threading.Lock()
        self._members: dict[str, str] = {}
        self._dismissed: dict[str, _Dismissal] = {}
        self._supplied: set[str] = set()
        self._attempts: dict[str, _Attempt] = {}
        self._misplaced: set[str] = set()
        self._unreachable = ""
        self._client = self._connect()
        self._closing = threading.Event()
        threading.Thread(target=self._look_after, name="cluster", daemon=True).start()

    def start(self, order: Order, name: str, wanted: Callable[[], bool]) -> Future[Delivery]:
        """See pool.Workforce."""
        client = self._client
        if client.status != "running":
            raise SchedulerUnreachable(self._scheduler, self._unreachable or "connection lost")
        usable, excluded = self._usable()
        limits: dict[str, object] = {}
        if excluded:
            limits = {"workers": sorted(usable), "allow_other_workers": False}
        with self._lock:
            self._attempts[name] = _Attempt(client, usable if excluded else frozenset())
        try:
            executor = client.get_executor(pure=False)
            future: Future[Delivery] = executor.submit(prove_as_task, order, key=name, **limits)
        except (ClosedClientError, *_TALK_FAILED) as error:
            self._forget(name)
            raise SchedulerUnreachable(self._scheduler, str(error)) from error
        future.add_done_callback(lambda _: self._forget(name))
        return future

    def check(self, name: str) -> None:
        """See pool.Workforce."""
        usable, _ = self._usable()
        with self._lock:
            attempt = self._attempts.get(name)
            if name in self._misplaced:
                raise WorkerLost(name, "it was dismissed before it came to this job")
        if attempt is None:
            return
        if attempt.client.status != "running":
            raise WorkerLost(name, f"the connection to {self._scheduler} was lost")
        if attempt.bound and not attempt.bound & usable:
            raise NoWorkers(self._scheduler, "those that were chosen are gone")

    def abandon(self, name: str) -> str:
        """See pool.Workforce."""
        for address, names in self._processing().items():
            if name in names:
                self._dismiss(address, f"took too long over a proof; {UNTIL_ANEW}", math.inf)
                return f"worker {address}"
        return ""

    def dismiss(self, worker: Worker, name: str, why: str) -> Worker:
        """See pool.Workforce. Whose result it was is the scheduler's word, not the worker's."""
        try:
            holders = self._client.sync(_holders, self._client, name)
            addresses = [str(address) for address in holders]
        except _TALK_FAILED:
            addresses = []
        if addresses and worker.address not in addresses:
            worker = Worker("unknown", 0, addresses[0])
        who = f"host {worker.host}, pid {worker.pid}"
        self._dismiss(worker.address, f"{why} ({who}); {UNTIL_ANEW}", math.inf)
        return worker

    def rest(self, worker: Worker, why: str) -> None:
        """See pool.Workforce."""
        self._dismiss(worker.address, f"{why}; it rests for {REST_S:g} s", monotonic() + REST_S)

    def supply(self, error: WorkerLacksKey, key_folder: Path) -> None:
        """See pool.Workforce."""
        address, client = error.worker.address, self._client
        with self._supplying:
            with self._lock:
                member = self._members.get(address)
            if member is None:
                raise WorkerFailed(error.worker, "lacks the key, and is not in the cluster")
            if member in self._supplied:
                return
            _log.info("worker %s lacks the proving key; sending it", error.worker)

            def call(task: object, *arguments: object) -> object:
                return client.run(task, *arguments, workers=[address])

            try:
                send_key(key_folder, key_folder.parent.name, secrets.token_hex(4), call)
            except Exception as failure:
                why = f"sending it the key failed: {type(failure).__name__}: {failure}"
                self.rest(error.worker, why)
                raise WorkerFailed(error.worker, why) from failure
            self._supplied.add(member)
            _log.info("worker %s has the proving key now", error.worker)

    def ailments(self) -> Mapping[str, str]:
        """See pool.Workforce."""
        if self._unreachable:
            return {f"scheduler {self._scheduler}": self._unreachable}
        with self._lock:
            if not self._members:
                return {f"scheduler {self._scheduler}": "it has no workers"}
            return {f"worker {address}": one.why for address, one in self._dismissed.items()}

    def close(self) -> None:
        """See pool.Workforce. A worker ends the proof that it is at, and nobody takes it."""
        self._closing.set()
        self._client.close(timeout=CLOSE_S)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._attempts.pop(name, None)
            self._misplaced.discard(name)

    def _usable(self) -> tuple[frozenset[str], bool]:
        """Who may work, and whether somebody may not. Raises NoWorkers."""
        with self._lock:
            usable = frozenset(self._members.keys() - self._dismissed.keys())
            if not usable:
                why = "; ".join(f"{who}: {one.why}" for who, one in self._dismissed.items())
                raise NoWorkers(self._scheduler, why)
            return usable, bool(self._dismissed)

    def _dismiss(self, address: str, why: str, until: float) -> None:
        """No more orders for a worker, and back with those that wait for it."""
        names = self._processing().get(address, ())
        if address not in self._members:  # it has only just come
            with suppress(*_TALK_FAILED):
                self._look(self._client)
        with self._lock:
            if address in self._members:
                self._dismissed[address] = _Dismissal(self._members[address], why, until)
                self._misplaced.update(name for name in names if name in self._attempts)

    def _processing(self) -> Mapping[str, Sequence[str]]:
        """Names of attempts by the worker that has them, none where the scheduler is away."""
        try:
            found: Mapping[str, Sequence[str]] = self._client.processing()
        except _TALK_FAILED:
            return {}
        return found

    def _connect(self) -> Client:
        """A client, its workers known. Raises SchedulerUnreachable."""
        try:
            client = Client(self._scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:  # TypeError: tls:// without certificates
            self._unreachable = f"{type(error).__name__}: {error}"
            raise SchedulerUnreachable(self._scheduler, str(error)) from error
        self._look(client)
        return client

    def _look(self, client: Client) -> None:
        """Learn who is there, and forget the dismissals of those who are not."""
        workers = client.scheduler_info()["workers"]
        with self._lock:
            self._members = {address: str(info["id"]) for address, info in workers.items()}
            self._dismissed = {
                address: one
                for address, one in self._dismissed.items()
                if self._members.get(address) == one.member and one.until > monotonic()
            }
        self._unreachable = ""

    def _look_after(self) -> None:
        """Keep looking until closed; where the scheduler went away, until it is back."""
        while not self._closing.wait(LOOK_EVERY_S):
            client = self._client
            try:
                if client.status == "running":
                    self._look(client)
                    continue
                self._unreachable = self._unreachable or "the connection was lost"
                client.close(timeout=CLOSE_S)
                self._client = self._connect()
                _log.info("scheduler %s is back", self._scheduler)
            except Exception as error:  # noqa: BLE001 - whatever it is, look again
                self._unreachable = f"{type(error).__name__}: {error}"
        if self._client.status == "running":
            self._client.close(timeout=CLOSE_S)
