"""The pool's own rules, with workers whose answers the test gives by hand."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Future
from functools import cache
from pathlib import Path

import pytest

from prover.distribution import Delivery, Order, ProvingPool, Terms, Worker
from prover.distribution.errors import (
    NoWorkers,
    OtherCircuit,
    PoolClosed,
    ProofTimeout,
    SchedulerUnreachable,
    WorkerFailed,
    WorkerLacksKey,
    WorkerLost,
    WrongProof,
)
from prover.errors import ProverError
from prover.groth16.errors import MalformedEncoding, ProofRejected
from prover.jobs import ProofJob
from prover.r1cs.errors import BrokenConstraint
from tests.prover.distribution.simulated import QUICK, simulated_pool
from tests.prover.tiny import a_job
from tests.support.trapdoor import Trapdoor

WAIT_S = 120.0
LEFT, RIGHT = Worker("left", 1, "tcp://left:1"), Worker("right", 2, "tcp://right:2")

job = cache(a_job)


def proof_of(job: ProofJob, seed: int = 1) -> bytes:
    return Trapdoor.make(seed).prove(job.public.values()).encode()


class ByHand:
    """A Workforce: each attempt waits in `given` for the test to finish its future."""

    lost: tuple[type[BaseException], ...] = (BrokenExecutor, CancelledError)

    def __init__(self) -> None:
        self.given: queue.Queue[tuple[str, Future[Delivery]]] = queue.Queue()
        self.names: list[str] = []
        self.dismissed: list[tuple[Worker, str]] = []
        self.resting: list[Worker] = []
        self.supplied: list[tuple[Worker, Path]] = []
        self.abandoned: list[str] = []
        self.refusals: list[ProverError] = []
        self.gone = False
        self.closed = False

    def start(self, order: Order, name: str, wanted: Callable[[], bool]) -> Future[Delivery]:
        if self.refusals:
            raise self.refusals.pop()
        future: Future[Delivery] = Future()
        self.names.append(name)
        self.given.put((name, future))
        return future

    def next(self) -> Future[Delivery]:
        return self.given.get(timeout=WAIT_S)[1]

    def deliver(self, proof_bytes: bytes, worker: Worker = LEFT) -> None:
        self.next().set_result(Delivery(proof_bytes, worker))

    def check(self, name: str) -> None:
        if self.gone:
            raise NoWorkers("tcp://s:1", "")

    def abandon(self, name: str) -> str:
        self.abandoned.append(name)
        return "worker left"

    def dismiss(self, worker: Worker, name: str, why: str) -> Worker:
        self.dismissed.append((worker, why))
        return worker

    def rest(self, worker: Worker, why: str) -> None:
        self.resting.append(worker)

    def supply(self, error: WorkerLacksKey, key_folder: Path) -> None:
        self.supplied.append((error.worker, key_folder))

    def ailments(self) -> Mapping[str, str]:
        return {"worker left": "it lies"} if self.dismissed else {}

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def force() -> ByHand:
    return ByHand()


@pytest.fixture
def pool(force: ByHand) -> Iterator[ProvingPool]:
    pool = simulated_pool(force)
    yield pool
    pool.close()


def test_jobs_are_given_out_together_and_each_gets_its_own_proof(
    force: ByHand, pool: ProvingPool
) -> None:
    futures = {amount: pool.submit(job(amount)) for amount in (900, 901, 902)}
    orders = dict(force.given.get(timeout=WAIT_S) for _ in futures)
    for amount in futures:
        (name,) = (name for name in orders if name == Order(pool._requirement, job(amount)).id)
        orders[name].set_result(Delivery(proof_of(job(amount)), LEFT))
    for amount, future in futures.items():
        assert future.result(WAIT_S) == proof_of(job(amount))
    assert pool.ailments() == {}


def test_an_order_is_named_by_job_and_key(pool: ProvingPool) -> None:
    one = Order(pool._requirement, job())
    assert one.id == Order(pool._requirement, job()).id
    assert one.id != Order(pool._requirement, job(901)).id
    pool.close()


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (lambda: proof_of(job(), seed=2), ProofRejected),
        (lambda: proof_of(job(901)), ProofRejected),
        (lambda: proof_of(job())[:-1], MalformedEncoding),
        (lambda: b"", MalformedEncoding),
    ],
)
def test_a_wrong_proof_is_blamed_and_made_anew_under_another_name(
    force: ByHand, pool: ProvingPool, wrong: object, cause: type[ProverError]
) -> None:
    assert callable(wrong)
    future = pool.submit(job())
    force.deliver(wrong(), LEFT)
    again = force.next()
    ((blamed, why),) = force.dismissed
    assert blamed == LEFT
    assert cause.__name__ in why
    assert "tcp://left:1 (host left, pid 1) gave a wrong proof" in str(pool.ailments())
    again.set_result(Delivery(proof_of(job()), RIGHT))
    assert future.result(WAIT_S) == proof_of(job())
    assert len(set(force.names)) == 2
    assert pool.ailments() == {"worker left": "it lies"}


def test_only_lies_end_in_an_error_that_names_the_last_liar(
    force: ByHand, pool: ProvingPool
) -> None:
    future = pool.submit(job())
    for worker in (LEFT, LEFT, RIGHT):
        force.deliver(proof_of(job(), seed=2), worker)
    with pytest.raises(WrongProof) as failure:
        future.result(WAIT_S)
    assert (failure.value.worker, failure.value.job) == (RIGHT, job().id)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (BrokenExecutor("killed"), WorkerLost),
        (CancelledError(), WorkerLost),
        (OSError(28, "No space left"), WorkerFailed),
        (AttributeError("another version"), WorkerFailed),
        (WorkerFailed(LEFT, "no memory"), WorkerFailed),
        (OtherCircuit(LEFT, "aa" * 32, "bb" * 32), OtherCircuit),
    ],
)
def test_what_is_no_fault_of_the_job_is_tried_again(
    force: ByHand, pool: ProvingPool, raised: BaseException, expected: type[ProverError]
) -> None:
    future = pool.submit(job())
    for _ in range(QUICK.attempts):
        force.next().set_exception(raised)
    with pytest.raises(expected):
        future.result(WAIT_S)
    again = pool.submit(job())
    force.next().set_exception(raised)
    force.deliver(proof_of(job()))
    assert again.result(WAIT_S) == proof_of(job())


@pytest.mark.parametrize("given", [None, b"x" * 512, Delivery("x" * 512, LEFT)], ids=range(3))  # type: ignore[arg-type]
def test_what_is_no_delivery_at_all_is_tried_again(
    force: ByHand, pool: ProvingPool, given: Delivery
) -> None:
    future = pool.submit(job())
    force.next().set_result(given)
    force.deliver(proof_of(job()))
    assert future.result(WAIT_S) == proof_of(job())


def test_who_cannot_work_rests_and_who_has_another_circuit_is_dismissed(
    force: ByHand, pool: ProvingPool
) -> None:
    future = pool.submit(job())
    force.next().set_exception(WorkerFailed(LEFT, "no memory"))
    force.next().set_exception(OtherCircuit(RIGHT, "aa" * 32, "bb" * 32))
    force.deliver(proof_of(job()))
    future.result(WAIT_S)
    assert force.resting == [LEFT]
    ((dismissed, why),) = force.dismissed
    assert dismissed == RIGHT
    assert "install the same version of Wattlane" in why


def test_what_is_wrong_with_the_job_is_said_at_once(force: ByHand, pool: ProvingPool) -> None:
    future = pool.submit(job())
    force.next().set_exception(BrokenConstraint(3, "tail/state root"))
    with pytest.raises(BrokenConstraint, match="state root"):
        future.result(WAIT_S)
    assert len(force.names) == 1


def test_a_worker_without_the_key_gets_it_and_that_is_no_failed_attempt(
    force: ByHand, pool: ProvingPool
) -> None:
    future = pool.submit(job())
    workers = [Worker("host", pid, f"tcp://host:{pid}") for pid in range(QUICK.attempts)]
    for worker in workers:
        force.next().set_exception(WorkerLacksKey(worker, "aa" * 32, "/cache"))
    force.deliver(proof_of(job()))
    assert future.result(WAIT_S) == proof_of(job())
    assert force.supplied == [(worker, Path("nowhere")) for worker in workers]


def test_a_worker_that_loses_the_key_again_and_again_rests(
    force: ByHand, pool: ProvingPool
) -> None:
    future = pool.submit(job())
    for _ in range(1 + QUICK.attempts):
        force.next().set_exception(WorkerLacksKey(LEFT, "aa" * 32, "/cache"))
    with pytest.raises(WorkerFailed, match="lacks the key that it was sent"):
        future.result(WAIT_S)
    assert force.resting == [LEFT] * QUICK.attempts


def test_a_scheduler_that_is_away_for_a_moment_is_waited_for(
    force: ByHand, pool: ProvingPool
) -> None:
    force.refusals = [SchedulerUnreachable("tcp://s:1", "refused"), NoWorkers("tcp://s:1", "")]
    future = pool.submit(job())
    force.deliver(proof_of(job()))
    assert future.result(WAIT_S) == proof_of(job())


def test_a_job_whose_workers_are_all_gone_fails_and_says_how_to_start_one(
    force: ByHand, pool: ProvingPool
) -> None:
    force.gone = True
    future = pool.submit(job())
    with pytest.raises(NoWorkers, match="wattlane prover worker tcp://s:1"):
        future.result(WAIT_S)


def test_a_hanging_job_is_taken_from_its_worker(force: ByHand) -> None:
    pool = simulated_pool(force, Terms(timeout_s=0.1, attempts=2, pause_s=0.01))
    future = pool.submit(job())
    with pytest.raises(ProofTimeout, match=r"worker left did not prove .* within 0\.1 s"):
        future.result(WAIT_S)
    assert force.abandoned == force.names
    assert all(future.cancelled() for _, future in force.given.queue)
    pool.close()


def test_a_job_under_way_is_one_however_often_it_is_asked_for(
    force: ByHand, pool: ProvingPool
) -> None:
    future = pool.submit(job())
    assert pool.submit(job()) is future
    force.deliver(proof_of(job()))
    assert future.result(WAIT_S)
    assert pool.submit(job()) is not future


def test_a_cancelled_job_is_withdrawn_and_may_be_asked_for_again(
    force: ByHand, pool: ProvingPool
) -> None:
    future = pool.submit(job())
    attempt = force.next()
    assert future.cancel()
    again = pool.submit(job())
    assert again is not future
    force.deliver(proof_of(job()))
    assert again.result(WAIT_S)
    with pytest.raises(CancelledError):
        attempt.result(WAIT_S)


def test_closing_fails_what_was_asked_for(force: ByHand, pool: ProvingPool) -> None:
    future = pool.submit(job())
    force.next()
    pool.close()
    assert force.closed
    with pytest.raises(PoolClosed):
        future.result(WAIT_S)
    with pytest.raises(PoolClosed):
        pool.submit(job(901)).result(WAIT_S)
