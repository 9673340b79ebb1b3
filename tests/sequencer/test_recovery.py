from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.channels import Lane, channel_id, pack_lane
from protocol.replay import replay_proof
from protocol.state import State
from protocol.transactions import Claim
from sequencer.book import L1Position
from sequencer.errors import (
    CorruptDatabase,
    ForeignBatch,
    QueueGap,
    StorageFull,
    WrongDatabase,
)
from sequencer.ledger import L1Update
from sequencer.sealing import DataMode
from sequencer.storage import leaves, mempool, meta
from sequencer.storage.batches import Acceptance
from sequencer.storage.schema import BatchStatus, TransactionStatus
from sequencer.views import Views
from tests.protocol.street import ANNA, BERT, CARL, FUNDS_NTOK
from tests.sequencer.world import World, on_l1


@pytest.mark.parametrize("stage", ["soft", "sealed", "proved", "accepted", "final"])
def test_a_restart_at_any_stage_finds_everything(world: World, stage: str) -> None:
    stages = ["soft", "sealed", "proved", "accepted", "final"]
    reached = stages.index(stage)
    ids = [world.ledger.submit(world.transfer(nonce)) for nonce in range(3)]
    world.ledger.submit(world.open_channel(nonce=3))
    world.deposit(1, 77)
    batch = world.sealed() if reached >= 1 else None
    if batch and reached >= 2:
        world.prove(batch)
    if batch and reached == 3:
        world.ledger.record_acceptance(batch, Acceptance("0x1", 30))
    if batch and reached == 4:
        world.to_final(batch)
    late = world.ledger.submit(world.transfer(4))
    before = Views(world.ledger).state()
    statuses = [world.status(one) for one in (*ids, late)]
    world.restart()
    after = Views(world.ledger).state()
    assert after["roots"] == before["roots"][-len(after["roots"]) :]
    assert {**after, "roots": 0} == {**before, "roots": 0}
    assert [world.status(one) for one in (*ids, late)] == statuses


def test_a_restart_finds_the_clock_of_ops_and_seals_by_age(world: World) -> None:
    world.deposit(0, 5)
    world.restart()
    assert world.ledger.seal() is None
    world.clock_s += 21
    assert world.ledger.seal() is not None


def test_a_full_disk_loses_the_transaction_and_nothing_else(world: World) -> None:
    kept = world.ledger.submit(world.transfer())
    root = world.ledger.book.soft.state.root
    original = mempool.put

    def full(*_: object) -> None:
        raise StorageFull("disk")

    mempool.put = full  # type: ignore[assignment]
    try:
        with pytest.raises(StorageFull):
            world.ledger.submit(world.transfer(1))
    finally:
        mempool.put = original
    assert world.ledger.book.soft.state.root == root
    assert [one.id for one in world.ledger.book.soft.pending] == [kept]
    world.ledger.submit(world.transfer(1))


def test_an_op_left_out_by_the_rpc_is_noticed(world: World) -> None:
    world.enqueued += 1
    with pytest.raises(QueueGap) as gap:
        world.deposit(0, 5)
    assert (gap.value.expected, gap.value.given) == (4, 5)
    assert world.ledger.book.ops == []


def test_l1_time_never_falls(world: World) -> None:
    before = world.ledger.book.position.l1_time
    world.ledger.observe(L1Update(L1Position(world.block + 1, "0x1", before - 50)))
    assert world.ledger.book.position.l1_time == before
    world.restart()
    assert world.ledger.book.position.l1_time == before


def test_a_batch_of_another_sequencer_is_rebuilt_from_its_data(world: World) -> None:
    id_ = world.ledger.submit(world.transfer())
    batch = world.sealed()
    world.path = world.path.with_name("lost.db")
    world.restart()
    world.enqueued, world.block = 0, 10
    world.new_accounts(ANNA, BERT, CARL)
    first = world.sealed()
    mine = world.ledger.submit(world.transfer(amount_ntok=99))
    world.sealed()
    world.new_block(batches=(on_l1(first),))
    assert first.new_root == batch.old_root
    world.new_block(batches=(on_l1(batch),))
    book = world.ledger.book
    assert book.final_state.root == batch.new_root
    assert book.final_number == 2
    assert world.status(mine) == "rejected"  # its nonce was used in the other one's batch
    assert id_ != mine
    world.restart()
    assert world.ledger.book.final_state.root == batch.new_root


def test_l1_data_that_do_not_lead_to_their_root_stop_the_ledger(world: World) -> None:
    world.ledger.submit(world.transfer())
    batch = world.sealed()
    lie = replace(on_l1(batch), statements=(replace(batch.proofs[0], new_root=5),))
    with pytest.raises(ForeignBatch):
        world.new_block(batches=(lie,))
    assert world.ledger.book.final_number == 1


def test_replaying_the_batches_data_gives_the_same_state(world: World) -> None:
    world.ledger.submit(world.open_channel())
    world.submit(Claim(channel_id(0, 1, 0), Lane.AB, pack_lane(10, 20)), ANNA)
    base: State = world.ledger.book.final_state.copy()
    world.deposit(1, 5)
    (executed,) = world.sealed().proofs
    ops = [trace.op for trace in executed.queue]
    replay_proof(base, executed.context, ops, executed.data)
    assert base.root == executed.new_root


def test_a_database_of_another_rollup_is_refused(world: World) -> None:
    world.close()
    with pytest.raises(WrongDatabase):
        World(world.path, domain=world.rollup.domain + 1)


def test_a_tampered_database_is_found_out_at_the_start(world: World) -> None:
    with world.database.write() as connection:
        leaves.put(connection, {0: ANNA.account(FUNDS_NTOK + 1)}, {})
    with pytest.raises(CorruptDatabase):
        world.restart()


def test_the_checkpoint_follows_the_final_batch(world: World) -> None:
    world.ledger.submit(world.transfer())
    world.to_final(world.sealed())
    with world.database.read() as connection:
        assert meta.get_int(connection, meta.CHECKPOINT, 0) == 2
        assert leaves.load(connection).root == world.ledger.book.final_state.root


def test_transactions_keep_their_own_status_in_the_database(world: World) -> None:
    id_ = world.ledger.submit(world.transfer())
    batch = world.proved()
    with world.database.read() as connection:
        row = mempool.find(connection, id_)
    assert row is not None
    assert row.status is TransactionStatus.BATCHED
    found = world.ledger.book.find(batch.number)
    assert found is not None
    assert found.status is BatchStatus.PROVED


def test_a_batch_keeps_its_mode_when_the_settings_change(world: World) -> None:
    """Its challenge binds where its data go: sealed into a blob, it stays there after a restart."""
    world.ledger.sealing = replace(world.ledger.sealing, data_mode=DataMode.BLOB)
    world.ledger.submit(world.transfer(0))
    in_blob = world.proved()
    world.restart()
    (here,) = world.ledger.book.chain
    assert here.sealed.id == in_blob.id
    assert here.sealed.sidecar == in_blob.sidecar is not None
    world.ledger.submit(world.transfer(1))
    assert world.sealed().sidecar is None
    world.restart()
    assert [one.sealed.data_mode for one in world.ledger.book.chain] == ["blob", "calldata"]
