"""What the prover is asked for: everything that is missing, once, and nothing that is void."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from prover.jobs import ProofJob
from sequencer import orders as orders_module
from sequencer.errors import ProofFailed, StorageFull
from sequencer.l1.submitter import Submitter
from sequencer.l1.watcher import Watcher
from sequencer.loops import Loops, Stopping
from sequencer.orders import ProofOrders
from sequencer.sealing import SealedBatch
from sequencer.storage import proofs
from sequencer.storage.schema import BatchStatus
from tests.sequencer.world import SHAPE, World
from tests.support.simulated_prover import SimulatedProver

MOST_STEPS = 400


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The street, with up to three proofs a batch."""
    world = World(tmp_path / "sequencer.db", proofs_per_batch=3)
    world.open_street()
    yield world
    world.close()


class ByHand(SimulatedProver):
    """Makes a proof when it is told to; remembers what it was asked for, in order."""

    def __init__(self) -> None:
        super().__init__(SHAPE)
        self.asked: list[tuple[ProofJob, Future[bytes]]] = []

    def submit(self, job: ProofJob) -> Future[bytes]:
        self.asked.append((job, Future()))
        return self.asked[-1][1]

    def make(self, number: int) -> None:
        """Finish the order of this number."""
        job, future = self.asked[number]
        future.set_result(self._prove(job))

    def spoil(self, number: int, result: bytes | Exception) -> None:
        """Finish it with something else."""
        future = self.asked[number][1]
        if isinstance(result, bytes):
            future.set_result(result)
        else:
            future.set_exception(result)


def three_proofs(world: World, nonce: int = 0) -> SealedBatch:
    for more in range(2 * SHAPE.user_slots + 1):
        world.ledger.submit(world.transfer(nonce + more))
    batch = world.sealed()
    assert len(batch.proofs) == 3
    return batch


def places(world: World) -> list[int]:
    return [place for _, place in world.ledger.wanted_proofs()]


async def until(orders: ProofOrders, reached: Callable[[], bool]) -> None:
    """As many steps as it takes: how many depends on the machine."""
    for _ in range(MOST_STEPS):
        if reached():
            return
        await orders.step()
    raise AssertionError("the orders did not get there")


async def until_a_step_fails(orders: ProofOrders) -> None:
    """Steps until one raises."""
    await until(orders, lambda: False)


@pytest.fixture
def prover() -> Iterator[ByHand]:
    prover = ByHand()
    yield prover
    prover.close()


async def test_all_proofs_of_all_sealed_batches_are_ordered_together_and_once(
    world: World, prover: ByHand
) -> None:
    first = three_proofs(world)
    world.ledger.submit(world.transfer(9))
    second = world.sealed()
    orders = ProofOrders(world.ledger, prover, look_s=0.01)
    await orders.step()
    assert [job.public for job, _ in prover.asked] == [*first.inputs, *second.inputs]
    await orders.step()
    assert len(prover.asked) == 4
    await orders.close()


async def test_each_proof_is_kept_when_it_arrives_and_the_last_makes_the_batch_proved(
    world: World, prover: ByHand
) -> None:
    batch = three_proofs(world)
    here = world.ledger.book.find(batch.number)
    assert here is not None
    orders = ProofOrders(world.ledger, prover, look_s=0.05)
    await orders.step()
    for number, left in ((2, [0, 1]), (0, [1]), (1, [])):
        assert here.status is BatchStatus.SEALED
        prover.make(number)
        await until(orders, lambda left=left: places(world) == left)  # type: ignore[misc]
    assert here.status is BatchStatus.PROVED
    assert not await orders.step()
    with world.database.read() as connection:
        rows = proofs.of_batch(connection, batch.number)
    assert [row.proof_bytes for row in rows] == [here.proofs_bytes[place] for place in range(3)]
    assert all(row.prove_seconds is not None and row.prove_seconds < 60 for row in rows)


async def test_what_fails_is_named_and_ordered_again_while_the_others_go_on(
    world: World, prover: ByHand
) -> None:
    three_proofs(world)
    orders = ProofOrders(world.ledger, prover, look_s=0.05)
    await orders.step()
    prover.spoil(1, bytes(512))
    with pytest.raises(ProofFailed, match=r"proof 2 of batch 2 failed"):
        await until_a_step_fails(orders)
    prover.make(0)
    await until(orders, lambda: places(world) == [1, 2])
    assert len(prover.asked) == 4
    assert prover.asked[3][0] == prover.asked[1][0]
    prover.spoil(3, OSError(28, "No space left on device"))
    with pytest.raises(ProofFailed, match="No space left"):
        await until_a_step_fails(orders)
    await orders.step()
    prover.make(2)
    prover.make(4)
    await until(orders, lambda: places(world) == [])


async def test_the_seconds_of_all_proofs_together_are_the_time_that_passed(
    world: World, prover: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(orders_module, "monotonic", lambda: now[0])
    batch = three_proofs(world)
    orders = ProofOrders(world.ledger, prover, look_s=0.05)
    await orders.step()
    for number, after_s in ((0, 5.0), (1, 4.0), (2, 0.5)):
        now[0] += after_s
        prover.make(number)
        await until(orders, lambda left=2 - number: len(places(world)) == left)  # type: ignore[misc]
    with world.database.read() as connection:
        rows = proofs.of_batch(connection, batch.number)
    assert [row.prove_seconds for row in rows] == [5.0, 4.0, 0.5]


async def test_a_batch_sealed_anew_withdraws_its_orders_and_its_late_proofs_are_not_kept(
    world: World, prover: ByHand
) -> None:
    old = three_proofs(world)
    orders = ProofOrders(world.ledger, prover, look_s=0.05)
    await orders.step()
    prover.make(0)
    await until(orders, lambda: places(world) == [1, 2])
    world.ledger.void_from(old.number, old.id)
    world.new_block(seconds=60)
    new = world.sealed()
    assert new.number == old.number
    await until(orders, lambda: len(prover.asked) == 6)
    assert [future.cancelled() for _, future in prover.asked] == [False, True, True] + [False] * 3
    assert places(world) == [0, 1, 2]
    assert not world.prove(old)
    for number in (3, 4, 5):
        prover.make(number)
    await until(orders, lambda: places(world) == [])


async def test_a_proof_that_the_disk_refuses_is_made_again(
    world: World, prover: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_proofs(world)
    orders = ProofOrders(world.ledger, prover, look_s=0.05)
    await orders.step()

    def full(*_: object) -> None:
        raise StorageFull("disk")

    with monkeypatch.context() as patch:
        patch.setattr(proofs, "put", full)
        prover.make(1)
        with pytest.raises(StorageFull):
            await until_a_step_fails(orders)
    assert places(world) == [0, 1, 2]
    await orders.step()
    assert prover.asked[3][0] == prover.asked[1][0]
    await orders.close()
    assert all(future.cancelled() for _, future in (prover.asked[0], *prover.asked[2:]))


async def test_a_restart_orders_only_what_is_missing(world: World, prover: ByHand) -> None:
    batch = three_proofs(world)
    orders = ProofOrders(world.ledger, prover, look_s=0.05)
    await orders.step()
    prover.make(1)
    await until(orders, lambda: places(world) == [0, 2])
    await orders.close()
    world.restart()
    again = ProofOrders(world.ledger, prover, look_s=0.01)
    await again.step()
    assert [job.public for job, _ in prover.asked[3:]] == [batch.inputs[0], batch.inputs[2]]
    await again.close()


def proving_loop(world: World, prover: SimulatedProver) -> Loops:
    """Loops of which only the prover's is run."""
    watcher, submitter = Watcher.__new__(Watcher), Submitter.__new__(Submitter)
    return Loops(world.ledger, watcher, submitter, prover, Stopping(), 0.1)


async def test_a_batch_too_old_to_land_is_sealed_anew_and_not_proved(
    world: World, prover: ByHand
) -> None:
    old = three_proofs(world)
    world.new_block(seconds=7_000)
    assert await proving_loop(world, prover).prove()
    assert world.ledger.book.find(old.number) is None
    assert prover.asked == []
