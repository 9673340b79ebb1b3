from __future__ import annotations

from dataclasses import replace
from pathlib import Path

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
from protocol.transactions import Claim, Finalize, StartClose, Transaction
from protocol.units import DAY_S, L1_TIME_SLACK_S
from sequencer.admission import Policy
from sequencer.errors import (
    MempoolFull,
    WrongEpoch,
    WrongLane,
)
from sequencer.storage import mempool
from sequencer.storage.batches import Acceptance
from sequencer.views import Views
from tests.protocol.street import ANNA, BERT, CARL, FUNDS_NTOK, signed
from tests.sequencer.databases import both_databases
from tests.sequencer.world import FEE_NTOK, OPERATOR, SHAPE, World

pytestmark = both_databases


def test_ops_of_the_queue_become_accounts(world: World) -> None:
    state = world.ledger.book.final_state
    assert state.account(0) == ANNA.account(FUNDS_NTOK)
    assert world.ledger.book.final_number == 1


def test_a_transaction_goes_soft_proved_final(world: World) -> None:
    id_ = world.ledger.submit(world.transfer())
    assert world.status(id_) == "soft"
    batch = world.sealed()
    assert world.status(id_) == "soft"
    world.prove(batch)
    assert world.status(id_) == "proved"
    world.to_final(batch)
    assert world.status(id_) == "final"
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
    assert second.old_root == first.new_root


def test_a_batch_consumes_exactly_the_due_ops_and_covers_up_to_the_next(world: World) -> None:
    for _ in range(SHAPE.queue_slots + 1):
        world.deposit(0, 50)
    first = world.sealed()
    assert len(first.ops) == SHAPE.queue_slots
    assert first.queue_covered == world.l1_time  # the 4th op's own time
    world.new_block(seconds=600)
    world.ledger.void_from(first.number, first.id)
    again = world.sealed()
    assert again.l1_time == world.l1_time
    assert again.queue_covered == world.l1_time - 600


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
    assert {world.status(one) for one in (expires, depends, other)} == {"rejected"}


def test_a_rejected_transaction_may_be_tried_again(world: World) -> None:
    transaction = world.transfer()
    id_ = world.ledger.submit(transaction)
    with world.database.write() as connection:
        mempool.reject(connection, [(id_, {"code": "Test"})])
    world.restart()
    assert world.status(id_) == "rejected"
    assert world.ledger.submit(transaction) == id_
    assert world.status(id_) == "soft"


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
    assert world.status(id_) == "final"
    assert world.ledger.book.final_state.channels == {}


def test_a_partys_limit_holds_up_no_end_of_a_channel(world: World) -> None:
    world.ledger.policy = Policy(minimum_fee_ntok=FEE_NTOK, party_limit=1)
    for nonce in (0, 2):
        id_ = channel_id(0, 1, nonce)
        world.ledger.submit(world.open_channel(nonce))
        world.to_final(world.sealed())
        world.submit(StartClose(id_, Lane.AB, nonce + 1, world.later), ANNA)
        world.to_final(world.sealed())
    world.new_block(seconds=DAY_S + L1_TIME_SLACK_S)
    assert len(world.ledger.finalize_due()) == 2


def test_fees_need_the_operators_account(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, url=database_url)
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
    assert {world.status(id_) for id_ in ids} == {"soft"}
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
    assert not world.prove(old)
    assert world.prove(new)


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
    assert world.ledger.wanted_proofs()[0] == (first, 0)
    world.prove(second)
    assert world.ledger.next_to_submit() is None
    world.prove(first)
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
