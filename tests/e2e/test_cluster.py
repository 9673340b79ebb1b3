"""A batch of real proofs by a real cluster, of which one worker lies and one dies, lands on L1.

Sequencer, L1, Dask scheduler and three workers are processes of their own; the circuit is a small
one, its key is known to the contract, and nothing is simulated but by the liar.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from protocol.batch import Shape
from protocol.codec import account_inclusion_from_json
from protocol.transactions import Transfer
from tests.e2e.sequencer_process import (
    FEE_NTOK,
    FUNDS_NTOK,
    SequencerProcess,
    Setting,
    start_l1,
)
from tests.support.cluster import SchedulerProcess, WorkerProcess, kill
from tests.support.desk import Desk
from tests.support.proving_sequencer import serve_on
from wattlane.proving import open_prover

SMALL = Shape(queue_slots=1, user_slots=1)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_a_batch_lands_though_one_worker_lies_and_one_is_killed_in_the_middle_of_a_proof(
    stack: ExitStack, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    stack.callback(desk.close)
    scheduler = SchedulerProcess()
    stack.callback(scheduler.kill)
    workers: list[WorkerProcess] = []
    for mode in ("liar", "honest", "honest"):
        folder = tmp_path / f"worker {len(workers)}"
        workers.append(WorkerProcess(scheduler.address, SMALL, folder, desk.path, mode))
        stack.callback(workers[-1].kill)
    chain = stack.enter_context(start_l1())
    prover = open_prover(cache_folder=tmp_path / "keys", shape=SMALL)
    stack.callback(prover.close)
    setting = Setting.make(chain, tmp_path / "operator", prover=prover)
    chain.advance_time(60)  # so that all that is in the queue is due
    for worker in workers:
        worker.address = worker.said("ready: ").split()[1]
    sequencer = SequencerProcess(
        setting.settings.folder, target=serve_on(scheduler.address, tmp_path / "keys", SMALL)
    )
    stack.callback(sequencer.kill)
    sequencer.ready()

    # Three accounts came through the queue, one fits a proof: three proofs are made at once.
    callers = {caller.pid: caller for caller in (desk.next(), desk.next(), desk.next())}
    liar, victim, survivor = (callers[worker.pid] for worker in workers)
    assert (liar.what, victim.what, survivor.what) == ("lying", "proving", "proving")
    kill(victim.pid)
    liar.tell("")
    sequencer.wait(
        lambda: f"worker {workers[0].address}" in sequencer.get("/v1/health")["ailments"]
    )
    survivor.tell("go")
    left = [victim.what, liar.what]
    while (
        left
    ):  # the scheduler may still give the liar what the dead one had; it is found out again
        caller = desk.next()
        caller.tell("go")
        if caller.what == "proving":
            assert caller.pid == survivor.pid
            left.pop()
    sequencer.wait(lambda: sequencer.get("/v1/queue/3")["status"] == "final")
    (batch,) = setting.homes.batches()
    assert len(batch.submission.proofs) == 3

    # And the cluster goes on with what is left of it.
    payment = Transfer(1, 2, 0, 7, FEE_NTOK, setting.valid_until())
    desk.let_go()  # whoever gets it, and however often: the liar is found out again
    id_ = sequencer.submit(setting.signed(payment, setting.anna))
    sequencer.wait_status(id_, "final")
    assert int(sequencer.get("/v1/state")["final_root"]) == setting.homes.state_root()
    bert = account_inclusion_from_json(sequencer.get("/v1/accounts/2")["inclusion"]).account
    assert bert is not None
    assert bert.balance_ntok == FUNDS_NTOK + 7
    assert "gave a wrong proof" in str(sequencer.get("/v1/health"))
    assert sequencer.stop() == 0
