"""Processes of this machine: real ones, which the test tells to die, hang, lie or work."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest

from prover.distribution import NICENESS, LocalProcesses, ProvingPool
from prover.distribution.errors import PoolClosed
from prover.groth16.proof import Proof
from prover.groth16.verify_arkworks import verify_arkworks
from prover.jobs import ProofJob
from tests.prover.distribution.simulated import order_of, simulated_pool
from tests.prover.tiny import a_job
from tests.support.desk import Desk
from tests.support.told_work import told_work

Open = Callable[..., ProvingPool]

job = cache(a_job)


def ended(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    readable, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    return bool(readable)


@pytest.fixture
def open_pool() -> Iterator[Open]:
    opened: list[ProvingPool] = []

    def open_(processes: int = 1) -> ProvingPool:
        opened.append(simulated_pool(LocalProcesses(processes, told_work)))
        return opened[-1]

    yield open_
    for pool in opened:
        pool.close()


def check(pool: ProvingPool, job: ProofJob, future: Future[bytes]) -> None:
    proof = Proof.decode(future.result(60))
    verify_arkworks(pool.verifying_key, job.public.values(), proof)


def test_a_nicer_process_of_its_own_does_one_job_at_a_time_until_the_pool_is_closed(
    desk: Desk, open_pool: Open
) -> None:
    pool = open_pool()
    futures = [pool.submit(job(900 + i)) for i in range(3)]
    worker = desk.next()
    assert worker.pid != os.getpid()
    assert worker.niceness == min(os.nice(0) + NICENESS, 19)
    assert worker.what == job(900).id
    with pytest.raises(TimeoutError):
        desk.next(timeout_s=0.2)
    worker.tell("go")
    check(pool, job(900), futures[0])
    again = desk.next()
    assert (again.pid, again.what) == (worker.pid, job(901).id)
    assert pool.ailments() == {}
    pool.close()
    for future in futures[1:]:
        with pytest.raises(PoolClosed):
            future.result(60)
    assert ended(worker.pid)


def test_several_processes_work_together_and_one_that_dies_costs_no_other_job_anything(
    desk: Desk, open_pool: Open
) -> None:
    pool = open_pool(2)
    futures = {job(amount).id: pool.submit(job(amount)) for amount in (900, 901)}
    dying, living = desk.next(), desk.next()
    os.kill(dying.pid, signal.SIGKILL)
    again = desk.next()
    assert again.what == dying.what
    assert again.pid not in (dying.pid, living.pid)
    again.tell("go")
    living.tell("go")
    for amount in (900, 901):
        check(pool, job(amount), futures[job(amount).id])


def test_a_process_that_lies_is_replaced(desk: Desk, open_pool: Open) -> None:
    pool = open_pool()
    future = pool.submit(job())
    liar = desk.next()
    liar.tell("lie")
    honest = desk.next()
    assert ended(liar.pid)
    said = pool.ailments()
    assert f"pid {liar.pid}) gave a wrong proof" in said[f"proof {job().id[:16]}"]
    assert "1 time(s) a process gave a wrong proof" in said["local processes"]
    honest.tell("go")
    check(pool, job(), future)
    assert list(pool.ailments()) == ["local processes"]


def test_a_process_that_hangs_is_killed_and_replaced(desk: Desk) -> None:
    with closing(LocalProcesses(work=told_work)) as processes:
        future = processes.start(order_of(job()), "first", lambda: True)
        hanging = desk.next()
        os.kill(hanging.pid, signal.SIGSTOP)
        assert processes.abandon("first") == f"local process (pid {hanging.pid})"
        assert ended(hanging.pid)
        with pytest.raises(processes.lost):
            future.result(60)
        again = processes.start(order_of(job()), "second", lambda: True)
        desk.next().tell("go")
        assert again.result(60).worker.pid != hanging.pid
        assert processes.abandon("third") == ""


def test_a_cancelled_job_is_not_begun_and_one_under_way_makes_room_when_it_ends(
    desk: Desk, open_pool: Open
) -> None:
    pool = open_pool()
    future = pool.submit(job(900))
    worker = desk.next()
    waiting, wanted = pool.submit(job(901)), pool.submit(job(902))
    assert waiting.cancel()
    assert future.cancel()
    worker.tell("go")
    worker = desk.next()
    assert worker.what == job(902).id
    worker.tell("go")
    check(pool, job(902), wanted)


def test_the_worker_ends_with_its_parent_however_that_ends(desk: Desk, tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import os, signal, sys
        from prover.distribution import LocalProcesses
        from tests.prover.distribution.simulated import order_of
        from tests.prover.tiny import a_job
        from tests.support.told_work import told_work
        if __name__ == "__main__":
            LocalProcesses(1, told_work).start(order_of(a_job()), "only", lambda: True)
            sys.stdin.readline()
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    path = tmp_path / "parent.py"
    path.write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    parent = subprocess.Popen([sys.executable, str(path)], stdin=subprocess.PIPE, env=environment)
    worker = desk.next()
    parent.communicate(b"\n", timeout=120)
    assert parent.returncode == -signal.SIGKILL
    assert ended(worker.pid)
