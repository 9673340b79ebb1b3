"""A real scheduler, real workers, real proofs of the smallest circuit; and what happens to them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from functools import cache
from pathlib import Path

import pytest

from prover.cache import user_cache
from prover.distribution import Key, Order, ProvingPool, Requirement, Terms, open_cluster
from prover.distribution import cluster as cluster_module
from prover.distribution.errors import NoWorkers, OtherCircuit, SchedulerUnreachable
from prover.groth16.proof import Proof
from prover.groth16.verify_arkworks import verify_arkworks
from prover.jobs import BatchProver
from tests.prover.tiny import TINY, a_job
from tests.support.cluster import (
    WAIT_S,
    SchedulerProcess,
    WorkerProcess,
    kill,
    wait_until,
)
from tests.support.desk import Desk

job = cache(a_job)


@pytest.fixture(scope="module")
def prover(tmp_path_factory: pytest.TempPathFactory) -> BatchProver:
    """The key, in a cache folder that no worker has."""
    made = BatchProver(TINY, cache_folder=tmp_path_factory.mktemp("keys"))
    made.setup()
    return made


@pytest.fixture(scope="module")
def scheduler() -> Iterator[SchedulerProcess]:
    process = SchedulerProcess()
    yield process
    process.kill()


class Place:
    """One test's workers and pools."""

    def __init__(
        self, prover: BatchProver, address: str, folder: Path, desk: Desk, stack: ExitStack
    ) -> None:
        self._prover, self._folder, self._desk, self._stack = prover, folder, desk, stack
        self.address = address
        self._count = 0

    @property
    def requirement(self) -> Requirement:
        digest = self._prover.verifying_key.digest().hex()
        return Requirement(TINY, self._prover.key.circuit, digest)

    def pool(self, attempts: int = 12) -> ProvingPool:
        prover = self._prover
        key = Key(prover.verifying_key, prover.constraints, prover.key_folder)
        terms = Terms(timeout_s=300.0, attempts=attempts, pause_s=0.2)
        pool = ProvingPool(self.requirement, key, open_cluster(self.address), terms)
        return self._stack.enter_context(closing(pool))

    def workers(self, *modes: str, keyed: bool = False) -> list[WorkerProcess]:
        """Started together, and all ready; `keyed`: they share a folder of keys with us."""
        started = []
        for mode in modes:
            self._count += 1
            folder = self._folder / f"worker {self._count}"
            if keyed:
                folder.mkdir()
                (folder / "keys").symlink_to(self._prover.key_folder.parent.parent)
            started.append(WorkerProcess(self.address, TINY, folder, self._desk.path, mode))
            self._stack.callback(started[-1].kill)
        for worker in started:
            worker.address = worker.said("ready: ").split()[1]
        return started

    def check(self, amount: int, future: Future[bytes]) -> None:
        proof = Proof.decode(future.result(WAIT_S))
        verify_arkworks(self._prover.verifying_key, job(amount).public.values(), proof)


@pytest.fixture
def place(
    prover: BatchProver, scheduler: SchedulerProcess, desk: Desk, tmp_path: Path
) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(prover, scheduler.address, tmp_path, desk, stack)


def test_a_worker_killed_in_the_middle_of_a_proof_loses_nothing_but_time(
    place: Place, desk: Desk
) -> None:
    place.workers("honest", "honest")
    future = place.pool().submit(job())
    first = desk.next()
    assert first.what == "proving"
    kill(first.pid)
    second = desk.next()
    assert second.pid != first.pid
    second.tell("go")
    place.check(900, future)


def test_a_liar_is_found_out_by_name_and_gets_no_more_jobs_until_it_is_started_anew(
    place: Place, desk: Desk
) -> None:
    liar, honest = place.workers("liar", "honest")  # and the liar gives another's name
    pool = place.pool()
    futures = {amount: pool.submit(job(amount)) for amount in range(900, 904)}
    callers = [desk.next(), desk.next()]
    callers.sort(key=lambda caller: caller.what)
    lying, proving = callers
    assert (lying.pid, proving.pid) == (liar.pid, honest.pid)
    lying.tell("")

    def blamed() -> bool:
        return any("gave a wrong proof" in said for said in pool.ailments().values())

    while not blamed():  # the honest one is held, so who calls now is the liar
        with suppress(TimeoutError):
            desk.next(timeout_s=0.5).tell("")
    said = {who: why for who, why in pool.ailments().items() if who.startswith("worker ")}
    assert list(said) == [f"worker {liar.address}"]
    assert "until it is started anew" in said[f"worker {liar.address}"]
    proving.tell("go")
    honest_proofs = 1
    while honest_proofs < len(futures):  # the liar may have been given another before it was found
        caller = desk.next()
        caller.tell("go")
        honest_proofs += caller.pid == honest.pid
    for amount, future in futures.items():
        place.check(amount, future)
    assert liar.stop() == 0
    wait_until(lambda: not pool.ailments())


def test_a_worker_that_hangs_is_parted_with_and_another_gets_the_job(
    place: Place, desk: Desk
) -> None:
    first, second = place.workers("honest", "honest", keyed=True)
    with closing(open_cluster(place.address)) as cluster:
        order = Order(place.requirement, job())
        cluster.start(order, "first try", lambda: True)
        hanging = desk.next()
        os.kill(hanging.pid, signal.SIGSTOP)
        (stopped,) = (one for one in (first, second) if one.pid == hanging.pid)
        assert cluster.abandon("first try") == f"worker {stopped.address}"
        assert cluster.abandon("no try") == ""
        assert "took too long" in cluster.ailments()[f"worker {stopped.address}"]
        future = cluster.start(order, "second try", lambda: True)
        other = desk.next()
        assert other.pid != hanging.pid
        other.tell("go")
        assert future.result(WAIT_S).worker.pid == other.pid


def test_another_version_is_said_to_be_one(place: Place) -> None:
    place.workers("of another version")
    pool = place.pool(attempts=2)
    with pytest.raises((OtherCircuit, NoWorkers), match="install the same version"):
        pool.submit(job()).result(WAIT_S)


def test_a_scheduler_that_dies_and_comes_back_is_found_again(
    prover: BatchProver, desk: Desk, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        first = SchedulerProcess()
        stack.callback(first.kill)
        place = Place(prover, first.address, tmp_path, desk, stack)
        (worker,) = place.workers("honest")
        pool = place.pool(attempts=60)
        future = pool.submit(job())
        lost = desk.next()
        first.kill()
        wait_until(lambda: f"scheduler {first.address}" in pool.ailments())
        lost.tell("go")
        assert "waiting for it" in worker.said(first.address)
        second = SchedulerProcess(first.port)
        stack.callback(second.kill)
        assert second.address == first.address
        desk.next().tell("go")
        place.check(900, future)
        wait_until(lambda: not pool.ailments())


def test_no_scheduler_and_no_workers_are_said_with_what_to_do(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "CONNECT_S", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(SchedulerUnreachable, match="start one with `dask scheduler`"):
        open_cluster(nobody)
    pool = place.pool(attempts=2)
    assert pool.ailments() == {f"scheduler {place.address}": "it has no workers"}
    with pytest.raises(NoWorkers, match=f"`wattlane prover worker {place.address}`"):
        pool.submit(job()).result(WAIT_S)


@pytest.mark.parametrize(
    "command",
    [
        ["wattlane", "prover", "worker", "SCHEDULER"],
        ["distributed.cli.dask_worker", "SCHEDULER", "--nthreads", "1", "--host", "127.0.0.1"],
    ],
    ids=["wattlane", "dask"],
)
def test_the_commands_of_the_manual_make_workers(
    place: Place, tmp_path: Path, command: list[str]
) -> None:
    arguments = [place.address if one == "SCHEDULER" else one for one in command]
    (tmp_path / "kernels").symlink_to(user_cache().root / "kernels")
    environment = {**os.environ, "WATTLANE_CACHE": str(tmp_path)}
    environment["PYTHONPATH"] = str(Path.cwd())
    environment.pop("WATTLANE_TEST_DESK")
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=environment, stdout=log, stderr=log
        )
    try:
        pool = place.pool(attempts=100)
        place.check(900, pool.submit(job()))
        worker.terminate()
        assert worker.wait(WAIT_S) == 0, (tmp_path / "log").read_text()
    finally:
        worker.kill()
