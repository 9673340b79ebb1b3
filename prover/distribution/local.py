"""Invariant: a process of this machine has one order at a time, and its death costs that one alone.

Each slot is a ProcessPoolExecutor of one spawned process, niced, that ends when its parent ends,
however that ends. A slot whose process died, hung or lied gets a new one with its next order.
"""

from __future__ import annotations

import os
import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import TypeVar

from prover.distribution.errors import PoolClosed, Worker, WorkerLacksKey
from prover.distribution.work import Delivery, Order, Requirement, prepare, prove_order

Given = TypeVar("Given")
Made = TypeVar("Made")

NICENESS = 10
"""Proofs give way to whatever else runs here: payments must not wait for them."""


class LocalProcesses:
    """See pool.Workforce. `processes`: how many proofs at once; one already uses all cores."""

    lost: tuple[type[BaseException], ...] = (BrokenExecutor, CancelledError)

    def __init__(self, processes: int = 1, work: Callable[[Order], Delivery] = prove_order) -> None:
        """`work`: a top-level function, run in the child."""
        self._work = work
        self._slots = [_Slot() for _ in range(processes)]
        self._free: queue.Queue[_Slot | None] = queue.Queue()
        for slot in self._slots:
            self._free.put(slot)
        self._wrong: Counter[str] = Counter()
        self._closed = False

    def prepare(self, requirement: Requirement) -> None:
        """Start the processes now, and let them load what the first order needs."""
        for slot in self._slots:
            slot.submit(prepare, requirement)

    def start(self, order: Order, name: str, wanted: Callable[[], bool]) -> Future[Delivery]:
        """See pool.Workforce. Waits for a free process."""
        slot = self._free.get()
        if slot is None or self._closed:
            self._free.put(None)  # for whoever else waits
            raise PoolClosed
        if not wanted():
            self._free.put(slot)
            raise PoolClosed
        slot.name = name
        future = slot.submit(self._work, order)
        future.add_done_callback(lambda _: self._free.put(slot))
        return future

    def check(self, name: str) -> None:
        """See pool.Workforce. A process that is gone has ended its future already."""

    def abandon(self, name: str) -> str:
        """See pool.Workforce."""
        for slot in self._slots:
            if slot.name == name:
                return slot.kill()
        return ""

    def dismiss(self, worker: Worker, name: str, why: str) -> Worker:
        """See pool.Workforce."""
        self._wrong[why] += 1
        for slot in self._slots:
            if worker.pid in slot.pids:
                slot.kill()
        return worker

    def rest(self, worker: Worker, why: str) -> None:
        """See pool.Workforce. There is no other machine, and the pool pauses anyway."""

    def supply(self, error: WorkerLacksKey, key_folder: Path) -> None:
        """See pool.Workforce. All have one cache folder, so the key is nowhere."""
        raise error

    def ailments(self) -> Mapping[str, str]:
        """See pool.Workforce."""
        wrong = self._wrong.copy()
        if not wrong:
            return {}
        said = "; ".join(f"{count} time(s) a process {why}" for why, count in wrong.items())
        return {"local processes": f"{said}. Is this machine's memory sound?"}

    def close(self) -> None:
        """See pool.Workforce."""
        self._closed = True
        self._free.put(None)
        for slot in self._slots:
            slot.kill()


class _Slot:
    """Room for one process, and the attempt that it works on."""

    def __init__(self) -> None:
        self.name = ""
        self._executor = _executor()
        self._lock = threading.Lock()
        self._spent = False

    @property
    def pids(self) -> list[int]:
        return list((self._executor._processes or {}).keys())

    def submit(self, task: Callable[[Given], Made], given: Given) -> Future[Made]:
        with self._lock:
            if self._spent:
                self._executor, self._spent = _executor(), False
            try:
                return self._executor.submit(task, given)
            except BrokenExecutor:
                self._executor = _executor()
                return self._executor.submit(task, given)

    def kill(self) -> str:
        """End the process; returns its name, "" if there was none."""
        with self._lock:
            processes = list((self._executor._processes or {}).values())
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._spent = True
        for process in processes:
            process.kill()
        return ", ".join(f"local process (pid {process.pid})" for process in processes)


def _executor() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_start_worker)


def _start_worker() -> None:
    os.nice(NICENESS)
    parent = parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
