from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.channels import Lane, channel_id, pack_lane
from protocol.errors import (
    BadSignature,
    DeadlineNotReached,
    Expired,
    InsufficientBalance,
    LaneNotHigher,
    NoOperatorAccount,
    UnknownAccount,
    UnknownChannel,
    WrongKey,
    WrongNonce,
)
from protocol.replay import replay_proof
from protocol.state import State
from protocol.transactions import Claim, Finalize, StartClose, Transaction
from protocol.units import DAY_S, L1_TIME_SLACK_S
from sequencer.admission import Policy
from sequencer.book import L1Position
from sequencer.errors import (
    CorruptDatabase,
    ForeignBatch,
    MempoolFull,
    QueueGap,
    StorageFull,
    WrongDatabase,
    WrongEpoch,
    WrongLane,
)
from sequencer.ledger import L1Update
from sequencer.storage import leaves, mempool, meta
from sequencer.storage.batches import Acceptance
from sequencer.storage.schema import BatchStatus, TransactionStatus
from sequencer.views import Views
from tests.protocol.street import ANNA, BERT, CARL, FUNDS_NTOK, signed
from tests.sequencer.world import FEE_NTOK, OPERATOR, PROOF, SHAPE, World, on_l1


def status(world: World, id_: str) -> str:
    found = Views(world.ledger).transaction(id_)["status"]
    assert isinstance(found, str)
    return found


def test_ops_of_the_queue_become_accounts(world: World) -> None:
    state = world.ledger.book.final_state
    assert state.account(0) == ANNA.account(FUNDS_NTOK)
    assert world.ledger.book.final_number == 1


def test_a_transaction_goes_soft_proved_final(world: World) -> None:
    id_ = world.ledger.submit(world.transfer())
    assert status(world, id_) == "soft"
    batch = world.sealed()
    assert status(world, id_) == "soft"
    world.ledger.record_proof(batch, PROOF, 1.0, None)
    assert status(world, id_) == "proved"
    world.to_final(batch)
    assert status(world, id_) == "final"
    final = world.ledger.book.final_state
    assert final.account(1).balance_ntok == FUNDS_NTOK + 5
    assert final.account(OPERATOR.index).balance_ntok == FUNDS_NTOK + FEE_NTOK


def test_submitting_twice_is_one_transaction(world: World) -> None:
    transaction = world.transfer()
    assert world.ledger.submit(transaction) == world.ledger.submit(transaction)
    assert len(world.ledger.book.soft.pending) == 1


def test_what_is_wrong_is_named_and_changes_nothing(world: World) -> None:
    submit, root = world.ledger.submit, world.ledger.book.soft.state.root
    with pytest.raises(WrongNonce) as nonce:
        submit(world.transfer(nonce=3))
    assert (nonce.value.expected, nonce.value.given) == (0, 3)
    with pytest.raises(InsufficientBalance):
        submit(world.transfer(amount_ntok=FUNDS_NTOK))
    with pytest.raises(WrongKey):
        submit(Transaction(world.transfer().body, world.transfer(sender=BERT, to=ANNA).signatures))
    with pytest.raises(BadSignature):
        submit(Transaction(world.transfer(0, 6).body, world.transfer(0, 7).signatures))
    with pytest.raises(UnknownAccount):
        submit(world.transfer(to=replace(BERT, index=77)))
    assert world.ledger.book.soft.state.root == root
    assert world.ledger.book.soft.pending == []


def test_another_rollups_signature_does_not_verify(world: World) -> None:
    body = world.transfer().body
    with pytest.raises(BadSignature):
        world.ledger.submit(signed(body, ANNA, domain=world.rollup.domain + 1))


def test_wrong_epoch_and_wrong_lane_have_their_names(world: World) -> None:
    world.ledger.submit(world.open_channel())
    wrong = Claim(channel_id(0, 1, 9), Lane.AB, pack_lane(10, 20))
    with pytest.raises(WrongEpoch) as epoch:
        world.submit(wrong, ANNA)
    assert (epoch.value.open_epoch, epoch.value.given_epoch) == (0, 9)
    with pytest.raises(WrongLane):
        world.submit(Claim(channel_id(0, 1, 0), Lane.BA, pack_lane(10, 20)), ANNA)
    with pytest.raises(UnknownChannel):
        world.submit(Claim(channel_id(1, 0, 0), Lane.AB, pack_lane(10, 20)), BERT)
    world.submit(Claim(channel_id(0, 1, 0), Lane.AB, pack_lane(10, 20)), ANNA)
    with pytest.raises(LaneNotHigher):
        world.submit(Claim(channel_id(0, 1, 0), Lane.AB, pack_lane(9, 20)), ANNA)


def test_a_batch_takes_at_most_n_transactions_in_order(world: World) -> None:
    ids = [world.ledger.submit(world.transfer(nonce)) for nonce in range(SHAPE.user_slots + 2)]
    first, second = world.sealed(), world.sealed()
    assert [one.id for one in first.included] == ids[: SHAPE.user_slots]
    assert [one.id for one in second.included] == ids[SHAPE.user_slots :]
    assert second.executed.old_root == first.executed.new_root


def test_a_batch_consumes_exactly_the_due_ops_and_covers_up_to_the_next(world: World) -> None:
    for _ in range(SHAPE.queue_slots + 1):
        world.deposit(0, 50)
    first = world.sealed()
    assert len(first.executed.queue) == SHAPE.queue_slots
    assert first.executed.context.queue_covered == world.l1_time  # the 4th op's own time
    world.new_block(seconds=600)
    world.ledger.void_from(first.number, first.id)
    again = world.sealed()
    assert again.executed.context.l1_time == world.l1_time
    assert again.executed.context.queue_covered == world.l1_time - 600


def test_a_transaction_never_overtakes_the_op_that_it_needs(world: World) -> None:
    for _ in range(SHAPE.queue_slots):
        world.deposit(0, 1)
    world.deposit(0, FUNDS_NTOK)
    needs_it = world.ledger.submit(world.transfer(amount_ntok=FUNDS_NTOK + 3))
    assert [one.id for one in world.sealed().included] == []
    assert [one.id for one in world.sealed().included] == [needs_it]


def test_nothing_is_sealed_before_size_or_age_says_so(world: World) -> None:
    assert world.ledger.seal() is None
    world.ledger.submit(world.transfer())
    assert world.ledger.seal() is None
    world.clock_s += 21
    assert world.ledger.seal() is not None
    for nonce in range(1, 1 + SHAPE.user_slots):
        world.ledger.submit(world.transfer(nonce))
    assert world.ledger.seal() is not None  # full, though young


def test_sealing_waits_while_too_many_batches_wait_for_a_proof(world: World) -> None:
    for nonce in range(3):
        world.ledger.submit(world.transfer(nonce))
        world.sealed()
    world.ledger.submit(world.transfer(3))
    world.clock_s += 100
    assert world.ledger.seal() is None


def test_what_expired_before_sealing_is_rejected_and_the_rest_goes_on(world: World) -> None:
    expires = world.ledger.submit(world.transfer())
    depends = world.ledger.submit(world.transfer(1))
    other = world.ledger.submit(world.transfer(sender=BERT, to=ANNA))
    finalize_later = world.later
    world.new_block(seconds=2 * DAY_S)
    assert finalize_later < world.l1_time
    fresh = world.ledger.submit(world.transfer(sender=CARL, to=ANNA))
    batch = world.sealed()
    assert [one.id for one in batch.included] == [fresh]
    views = Views(world.ledger)
    assert views.transaction(expires)["error"]["code"] == Expired.__name__
    assert {status(world, one) for one in (expires, depends, other)} == {"rejected"}


def test_a_rejected_transaction_may_be_tried_again(world: World) -> None:
    transaction = world.transfer()
    id_ = world.ledger.submit(transaction)
    with world.database.write() as connection:
        mempool.reject(connection, [(id_, {"code": "Test"})])
    world.restart()
    assert status(world, id_) == "rejected"
    assert world.ledger.submit(transaction) == id_
    assert status(world, id_) == "soft"


def test_an_open_keeps_its_slot_or_takes_the_lowest_free_one(world: World) -> None:
    id_ = world.ledger.submit(world.open_channel())
    batch = world.sealed()
    assert Views(world.ledger).transaction(id_)["slot"] == "0"
    assert batch.state.find_channel(0) is not None


def test_closing_channels_are_finalised_as_a_service(world: World) -> None:
    world.ledger.submit(world.open_channel())
    channel = world.ledger.book.soft.state.find_channel(0)
    assert channel is not None
    world.submit(StartClose(channel.id, Lane.AB, 1, world.later), ANNA)
    world.to_final(world.sealed())
    assert world.ledger.finalize_due() == []
    with pytest.raises(DeadlineNotReached):
        world.ledger.submit(Transaction(Finalize(channel.id)))
    world.new_block(seconds=DAY_S + L1_TIME_SLACK_S)
    (id_,) = world.ledger.finalize_due()
    assert world.ledger.finalize_due() == []
    world.to_final(world.sealed())
    assert status(world, id_) == "final"
    assert world.ledger.book.final_state.channels == {}


def test_fees_need_the_operators_account(tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World(tmp_path_factory.mktemp("new") / "a.db")
    world.new_accounts(ANNA, BERT)
    with pytest.raises(NoOperatorAccount):
        world.ledger.submit(world.transfer())
    world.close()


def test_the_mempool_has_limits(world: World) -> None:
    world.ledger.policy = Policy(minimum_fee_ntok=FEE_NTOK, mempool_limit=3, party_limit=2)
    world.ledger.submit(world.transfer(0))
    world.ledger.submit(world.transfer(1))
    with pytest.raises(MempoolFull) as full:
        world.ledger.submit(world.transfer(2))
    assert full.value.whose == "account 0"
    world.ledger.submit(world.transfer(sender=BERT, to=ANNA))
    with pytest.raises(MempoolFull):
        world.ledger.submit(world.transfer(sender=CARL, to=ANNA))


def test_voiding_puts_transactions_back_in_their_order(world: World) -> None:
    ids = [world.ledger.submit(world.transfer(nonce)) for nonce in range(6)]
    first = world.proved()
    world.sealed()
    late = world.ledger.submit(world.transfer(6))
    world.ledger.void_from(first.number, first.id)
    assert [one.id for one in world.ledger.book.soft.pending] == [*ids, late]
    assert {status(world, id_) for id_ in ids} == {"soft"}
    again = world.sealed()
    assert again.number == first.number
    assert [one.id for one in again.included] == ids[:4]


def test_a_proof_of_a_batch_that_was_sealed_anew_is_not_kept(world: World) -> None:
    world.ledger.submit(world.transfer())
    old = world.sealed()
    world.new_block(seconds=60)
    world.ledger.void_from(old.number, old.id)
    new = world.sealed()
    assert new.number == old.number
    assert not world.ledger.record_proof(old, PROOF, 1.0, None)
    assert world.ledger.record_proof(new, PROOF, 1.0, None)


def test_voiding_names_the_seal_so_that_it_cannot_hit_a_newer_one(world: World) -> None:
    world.ledger.submit(world.transfer())
    batch = world.sealed()
    world.ledger.void_from(batch.number, "another")
    assert world.ledger.book.find(batch.number) is not None


def test_proofs_are_made_and_submitted_in_order(world: World) -> None:
    world.ledger.submit(world.transfer(0))
    first = world.sealed()
    world.ledger.submit(world.transfer(1))
    second = world.sealed()
    assert world.ledger.next_to_prove() == first
    world.ledger.record_proof(second, PROOF, 1.0, None)
    assert world.ledger.next_to_submit() is None
    world.ledger.record_proof(first, PROOF, 1.0, None)
    found = world.ledger.next_to_submit()
    assert found is not None
    assert found.sealed == first
    world.ledger.record_acceptance(first, Acceptance("0x1", 30, 400_000, 3_000))
    found = world.ledger.next_to_submit()
    assert found is not None
    assert found.sealed == second
    world.ledger.record_reorg(first.number)
    found = world.ledger.next_to_submit()
    assert found is not None
    assert found.sealed == first


@pytest.mark.parametrize("stage", ["soft", "sealed", "proved", "accepted", "final"])
def test_a_restart_at_any_stage_finds_everything(world: World, stage: str) -> None:
    stages = ["soft", "sealed", "proved", "accepted", "final"]
    reached = stages.index(stage)
    ids = [world.ledger.submit(world.transfer(nonce)) for nonce in range(3)]
    world.ledger.submit(world.open_channel(nonce=3))
    world.deposit(1, 77)
    batch = world.sealed() if reached >= 1 else None
    if batch and reached >= 2:
        world.ledger.record_proof(batch, PROOF, 1.0, 12)
    if batch and reached == 3:
        world.ledger.record_acceptance(batch, Acceptance("0x1", 30))
    if batch and reached == 4:
        world.to_final(batch)
    late = world.ledger.submit(world.transfer(4))
    before = Views(world.ledger).state()
    statuses = [status(world, one) for one in (*ids, late)]
    world.restart()
    after = Views(world.ledger).state()
    assert after["roots"] == before["roots"][-len(after["roots"]) :]
    assert {**after, "roots": 0} == {**before, "roots": 0}
    assert [status(world, one) for one in (*ids, late)] == statuses


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
    assert first.executed.new_root == batch.executed.old_root
    world.new_block(batches=(on_l1(batch),))
    book = world.ledger.book
    assert book.final_state.root == batch.executed.new_root
    assert book.final_number == 2
    assert status(world, mine) == "rejected"  # its nonce was used in the other one's batch
    assert id_ != mine
    world.restart()
    assert world.ledger.book.final_state.root == batch.executed.new_root


def test_l1_data_that_do_not_lead_to_their_root_stop_the_ledger(world: World) -> None:
    world.ledger.submit(world.transfer())
    lie = replace(on_l1(world.sealed()), new_root=5)
    with pytest.raises(ForeignBatch):
        world.new_block(batches=(lie,))
    assert world.ledger.book.final_number == 1


def test_replaying_the_batches_data_gives_the_same_state(world: World) -> None:
    world.ledger.submit(world.open_channel())
    world.submit(Claim(channel_id(0, 1, 0), Lane.AB, pack_lane(10, 20)), ANNA)
    base: State = world.ledger.book.final_state.copy()
    world.deposit(1, 5)
    executed = world.sealed().executed
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
