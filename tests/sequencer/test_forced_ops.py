"""Ops that users force through L1's queue: the ledger takes them as they come, in their order."""

from __future__ import annotations

import pytest

from contracts.batches import submission_of
from protocol.channels import Lane, Status, channel_id, pack_lane
from protocol.errors import InsufficientBalance, WrongKey
from protocol.queue import (
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
)
from protocol.units import DAY_S, L1_TIME_SLACK_S
from protocol.vouchers import voucher_message
from sequencer.sealing import SealedBatch
from tests.protocol.street import ANNA, BERT, DOMAIN, FUNDS_NTOK, STRANGER
from tests.sequencer.world import FEE_NTOK, PROOF, SHAPE, World

CHANNEL = channel_id(0, 1, 0)
VALUE = pack_lane(7, 90)


def same_after_restart(world: World) -> None:
    """What is on disk gives the same soft, sealed and final states."""
    book = world.ledger.book
    before = (book.soft.state.root, book.final_state.root, len(book.soft.pending))
    world.restart()
    book = world.ledger.book
    assert (book.soft.state.root, book.final_state.root, len(book.soft.pending)) == before


def final(world: World) -> SealedBatch:
    batch = world.sealed()
    world.to_final(batch)
    return batch


def test_a_forced_exit_takes_the_balance_of_that_moment_and_what_came_after_is_rejected(
    world: World,
) -> None:
    before = world.ledger.submit(world.transfer(0, 5))
    world.enqueue(ForcedExit(0, 0, 0, ANNA.l1_address))
    assert world.ledger.book.soft.state.account(0).balance_ntok == 0
    with pytest.raises(InsufficientBalance):
        world.ledger.submit(world.transfer(2, 5))
    same_after_restart(world)
    batch = final(world)
    (trace,) = batch.proofs[0].queue
    assert trace.withdrawal is not None
    paid = trace.withdrawal.amount_ntok
    assert world.ledger.book.final_state.account(0).balance_ntok + paid <= FUNDS_NTOK
    status = world.status(before)  # the queue comes first in a batch: nothing is left to transfer
    assert (paid, status) == (FUNDS_NTOK, "rejected")


def test_what_an_exit_pays_is_listed_for_l1_at_its_queue_slots_place(world: World) -> None:
    world.deposit(1, 10)
    world.enqueue(ForcedExit(0, 0, 0, ANNA.l1_address))
    batch = world.sealed()
    submission = submission_of(batch.proofs, batch.inputs, [PROOF])
    (payout,) = submission.payouts
    assert payout.position == SHAPE.queue_output(1) == 15
    assert (payout.l1_address, payout.amount_ntok) == (ANNA.l1_address, FUNDS_NTOK)
    assert batch.proofs[0].messages[15] == payout.element


def test_after_a_key_change_only_the_new_key_signs(world: World) -> None:
    world.enqueue(KeyChange(0, 0, 0, STRANGER.key_hash, ANNA.l1_address))
    with pytest.raises(WrongKey):
        world.ledger.submit(world.transfer(1))
    final(world)
    same_after_restart(world)
    assert world.ledger.book.final_state.account(0).key_hash == STRANGER.key_hash


def test_a_channel_is_closed_claimed_and_ended_by_the_queue_alone(world: World) -> None:
    world.ledger.submit(world.open_channel(0, 500))
    final(world)
    voucher = ANNA.sign(voucher_message(DOMAIN, CHANNEL, Lane.AB, VALUE))
    world.enqueue(
        ForcedStartClose(0, 0, 0, 0, Lane.BA, BERT.l1_address),
        ForcedClaim(0, 0, 0, 0, Lane.AB, VALUE, voucher, BERT.l1_address),
    )
    world.new_block(seconds=600)
    batch = final(world)
    same_after_restart(world)
    channel = world.ledger.book.final_state.find_channel(0)
    assert channel is not None
    assert channel.status is Status.CLOSING
    assert channel.deadline == batch.l1_time + L1_TIME_SLACK_S + DAY_S
    assert channel.lane_ab == VALUE
    assert world.ledger.book.soft.state.root == world.ledger.book.final_state.root
    world.new_block(seconds=channel.deadline - world.l1_time - 20)
    world.enqueue(ForcedFinalize(0, 0, 0, 0, BERT.l1_address))  # 12 s later: too early by 8
    assert world.ledger.book.soft.state.find_channel(0) is not None
    world.enqueue(ForcedFinalize(0, 0, 0, 0, BERT.l1_address))
    final(world)
    state = world.ledger.book.final_state
    assert state.find_channel(0) is None
    assert state.account(1).balance_ntok == FUNDS_NTOK + 90
    assert state.account(0).balance_ntok == FUNDS_NTOK - 90 - FEE_NTOK
