"""A real Dask cluster on loopback: the scheduler's own command, and workers that can be held.

A worker asks the test's desk in the middle of each proof, when the quotient is to be computed,
whether to go on; what it proves with is the shipped prover. A liar answers with a proof that would
be right under another key, and in the name of another.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from protocol.batch import Shape
from prover.cache import user_cache
from prover.distribution import Delivery, Order, Worker, cluster, work
from prover.distribution.worker import prepare_worker, run_worker
from prover.jobs import BatchProver
from prover.r1cs.system import R1CS
from tests.support.desk import DESK, ask
from tests.support.trapdoor import Trapdoor

WAIT_S = 300.0
INNOCENT = Worker("elsewhere", 7, "tcp://192.0.2.1:7")
_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["tests.support.cluster"])
_AT = re.compile(r"Scheduler at:\s+(tcp://\S+)")


class SchedulerProcess:
    """`dask scheduler` on a free port of loopback, or on a given one."""

    def __init__(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", str(port)]
        command += ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr is not None
        self.address = line_with(self._process.stderr, _AT)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(WAIT_S)


def line_with(stream: IO[str], pattern: re.Pattern[str]) -> str:
    """The first group of the first line that matches; what follows is read and dropped."""
    said = []
    for line in stream:
        said.append(line)
        if found := pattern.search(line):
            threading.Thread(target=stream.read, daemon=True).start()
            return found[1]
    raise AssertionError(f"never said {pattern.pattern}: {said}")


class WorkerProcess:
    """A proving worker in a process of its own, with a cache folder of its own."""

    def __init__(
        self,
        scheduler: str,
        shape: Shape,
        folder: Path,
        desk: Path | None = None,
        mode: str = "honest",
    ) -> None:
        self.address = ""
        folder.mkdir(exist_ok=True)
        kernels = folder / "kernels"
        if not kernels.exists():
            kernels.symlink_to(user_cache().root / "kernels")  # compiled once for all tests
        self._said, theirs = _FORKSERVER.Pipe(duplex=False)
        self._log = folder / f"{mode}.log"
        environment = {"WATTLANE_CACHE": str(folder)}
        if desk is not None:
            environment[DESK] = str(desk)
        self._process = _FORKSERVER.Process(
            target=_work, args=(scheduler, shape, mode, environment, self._log, theirs)
        )
        self._process.start()
        theirs.close()

    def said(self, start: str) -> str:
        """The next line that begins so."""
        while self._said.poll(WAIT_S):
            line = str(self._said.recv())
            if line.startswith(start):
                return line
        raise AssertionError(f"never said {start!r}: {self._log.read_text()[-3_000:]}")

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def stop(self) -> int | None:
        """The exit status after SIGTERM."""
        self._process.terminate()
        self._process.join(WAIT_S)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self._process.join(WAIT_S)


def _work(
    scheduler: str,
    shape: Shape,
    mode: str,
    environment: dict[str, str],
    log: Path,
    said: Connection,
) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(environment)
    _patch(mode)
    run_worker(scheduler, prepare_worker(shape), said.send)


def _patch(mode: str) -> None:
    """Make this process what the test wants it to be."""
    if mode == "liar":
        _replace(cluster, "prove_order", _lie)
    elif mode == "of another version":
        _replace(R1CS, "digest", lambda _self: bytes(32))
    _replace(work, "BatchProver", partial(BatchProver, progress=_held))


def _replace(owner: object, name: str, value: object) -> None:
    assert hasattr(owner, name)
    setattr(owner, name, value)


def _held(stage: str, done: int, total: int, /) -> None:
    if stage == "quotient" and not done:
        ask("proving")


def _lie(order: Order, address: str) -> Delivery:
    ask("lying")
    return Delivery(Trapdoor.make(2).prove(order.job.public.values()).encode(), INNOCENT)


def wait_until(condition: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    """Poll what has no event of its own."""
    event, deadline = threading.Event(), timeout_s
    while not condition():
        assert deadline > 0
        event.wait(0.1)
        deadline -= 0.1


def kill(pid: int) -> None:
    """End a process without warning."""
    os.kill(pid, signal.SIGKILL)
