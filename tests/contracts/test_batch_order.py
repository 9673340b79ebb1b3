"""Time and queue: what a batch consumes, what it covers, when, and who may submit it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts import errors
from contracts.batches import Submission
from contracts.client import RollupClient
from contracts.transactions import Sender, wait_for_receipt
from tests.support.simulated_rollup import (
    SimulatedRollup,
)

DAY_S = 86_400


def test_l1_time_never_decreases_and_stays_near_the_block(rollup: SimulatedRollup) -> None:
    client = rollup.client
    now = client.latest_block().timestamp
    for l1_time, error in [
        (now + 3_000, errors.TimeInFuture),
        (now - 7_300, errors.TimeTooOld),
        (0, errors.TimeTooOld),
        (2**40, errors.TimeInFuture),
    ]:
        statement = rollup.statement(l1_time=min(l1_time, 2**40 - 1))
        submission = replace(rollup.submission(statement), l1_time=l1_time)
        with pytest.raises(error):
            rollup.try_submit(submission)
    rollup.try_submit(rollup.submission(rollup.statement(l1_time=now - 7_100)))
    client.submit_batch(rollup.submission(rollup.statement(l1_time=now - 50)))
    with pytest.raises(errors.TimeWentBack):
        rollup.try_submit(rollup.submission(rollup.statement(l1_time=now - 51)))
    rollup.try_submit(rollup.submission(rollup.statement(l1_time=now - 50)))


def test_l1_time_is_the_proofs_own(shared: SimulatedRollup) -> None:
    honest = shared.submission(shared.statement())
    with pytest.raises(errors.MessagesMismatch):
        shared.try_submit(replace(honest, l1_time=honest.l1_time - 1))


def test_queue_covered_is_the_contracts_own(rollup: SimulatedRollup) -> None:
    """A sequencer that sits on an op cannot claim to have covered the queue past it."""
    client = rollup.client
    rollup.fill_queue(3)
    rollup.chain.advance_time(60)
    ops = rollup.queue(1, 2)
    now = client.latest_block().timestamp
    third = client.queue_record(3).enqueue_time
    for covered in (now, third + 1, third - 1, 0):
        lying = rollup.statement(9, ops, covered=covered)
        with pytest.raises((errors.MessagesMismatch, errors.ProofRejected)):
            rollup.try_submit(rollup.submission(lying, ops))
    honest = rollup.statement(9, ops)
    assert honest.context.queue_covered == third
    client.submit_batch(rollup.submission(honest, ops))
    all_of_it = rollup.statement(10, rollup.queue(3, 3))
    assert all_of_it.context.queue_covered == all_of_it.context.l1_time
    client.submit_batch(rollup.submission(all_of_it, rollup.queue(3, 3)))


def test_c3_exactly_the_due_ops_are_consumed_in_order(rollup: SimulatedRollup) -> None:
    client = rollup.client
    rollup.fill_queue(4)
    one, two, three, four = rollup.new_accounts(1, 4)
    for wrong, error in [
        ((), errors.OpSkipped),
        ((one,), errors.OpSkipped),
        ((two, one), errors.QueueMismatch),
        ((two, three), errors.QueueMismatch),
        ((one, three), errors.QueueMismatch),
        ((one, one), errors.QueueMismatch),
        ((one, replace(two, payer=1)), errors.QueueMismatch),
        ((one, replace(two, amount_ntok=two.amount_ntok + 1)), errors.QueueMismatch),
        ((one, two, three), errors.TooManyOps),
    ]:
        with pytest.raises(error):
            rollup.try_submit(rollup.submission(rollup.statement(1, wrong[:2]), wrong))
    client.submit_batch(rollup.honest(1, (one, two)))
    with pytest.raises(errors.QueueMismatch):
        rollup.try_submit(rollup.honest(2, (one, two)))
    client.submit_batch(rollup.honest(2, (three, four)))
    for wrong in [(four,), (one,)]:
        with pytest.raises(errors.QueueMismatch):
            rollup.try_submit(rollup.honest(3, wrong))
    client.submit_batch(rollup.honest(3))
    assert client.progress().processed == 4


def test_ops_after_l1_time_wait_and_do_not_void_a_proof_in_flight(
    rollup: SimulatedRollup,
) -> None:
    client = rollup.client
    rollup.fill_queue(1)
    (one,) = rollup.queue(1, 1)
    in_flight = rollup.submission(
        rollup.statement(1, (one,), l1_time=one.enqueue_time, covered=one.enqueue_time), (one,)
    )
    rollup.chain.advance_time(30)
    rollup.fill_queue(1)
    (two,) = rollup.queue(2, 2)
    early = rollup.statement(
        1, (one, two), l1_time=two.enqueue_time - 1, covered=two.enqueue_time - 1
    )
    with pytest.raises(errors.OpNotDue):
        rollup.try_submit(rollup.submission(early, (one, two)))
    client.submit_batch(in_flight)
    assert client.progress().processed == 1


def test_a_queue_message_that_the_queue_does_not_hold_is_refused(
    rollup: SimulatedRollup,
) -> None:
    """The proof may speak of any deposit: L1 recomputes the messages from its own queue."""
    rollup.fill_queue(1)
    (one,) = rollup.new_accounts(1, 1)
    richer = replace(one, amount_ntok=10**18)
    lying = rollup.statement(1, (richer,))
    attack = rollup.submission(lying, (one,))
    with pytest.raises(errors.MessagesMismatch):
        rollup.try_submit(attack)


def test_only_the_operator_submits_until_the_oldest_op_is_three_days_old(
    rollup: SimulatedRollup,
) -> None:
    client, stranger = rollup.client, rollup.chain.accounts[5]
    from_stranger = RollupClient(rollup.chain.url, client.address, stranger)
    with pytest.raises(errors.NotOperator):
        from_stranger.submit_batch(rollup.honest(1))
    rollup.fill_queue(3)
    with pytest.raises(errors.NotOperator):
        from_stranger.submit_batch(rollup.honest(1, rollup.queue(1, 2)))
    rollup.chain.advance_time(3 * DAY_S - 600)
    with pytest.raises(errors.NotOperator):
        from_stranger.submit_batch(rollup.honest(1, rollup.queue(1, 2)))
    rollup.chain.advance_time(700)
    with pytest.raises(errors.OpSkipped):  # empty batches cannot stall
        from_stranger.submit_batch(rollup.honest(1))
    from_stranger.submit_batch(rollup.honest(1, rollup.queue(1, 2)))
    from_stranger.submit_batch(rollup.honest(2, rollup.queue(3, 3)))
    with pytest.raises(errors.NotOperator):  # the queue is empty again
        from_stranger.submit_batch(rollup.honest(3))
    client.submit_batch(rollup.honest(3))


def test_time_bounds_hold_to_the_second(rollup: SimulatedRollup) -> None:
    """l1_time = timestamp - 7,200 is the last that counts; three days and a second is older."""
    if rollup.chain.kind != "anvil":
        pytest.skip("only anvil lets a test choose a block's timestamp")
    client, stranger = rollup.client, Sender(rollup.client.rpc, rollup.chain.accounts[5])
    now = client.latest_block().timestamp + 10_000
    for l1_time, accepted in [
        (now + 1, False),
        (now - 7_201, False),
        (now - 7_200, True),
        (now, True),
    ]:
        submission = rollup.submission(rollup.statement(l1_time=l1_time))
        assert _mined_at(rollup, client.sender, submission, now) == accepted
        now += 2 * accepted

    rollup.fill_queue(1)
    (op,) = rollup.queue(1, 1)
    three_days = op.enqueue_time + 3 * DAY_S
    submission = rollup.submission(rollup.statement(8, (op,), l1_time=three_days - 5), (op,))
    assert not _mined_at(rollup, stranger, submission, three_days)
    assert _mined_at(rollup, stranger, submission, three_days + 1)


def _mined_at(
    rollup: SimulatedRollup, sender: Sender, submission: Submission, timestamp: int
) -> bool:
    """Whether a submission succeeds in a block of exactly this time."""
    prepared = sender.prepare(rollup.client.address, submission.calldata(), gas_limit=1_500_000)
    block = rollup.client.latest_block()
    rollup.client.rpc.call("evm_setNextBlockTimestamp", max(timestamp, block.timestamp))
    sender.broadcast(prepared)
    receipt = wait_for_receipt(rollup.client.rpc, prepared.transaction_hash, 20)
    mined = rollup.client.block(receipt.block_number)
    assert mined is not None
    assert mined.timestamp == timestamp
    return receipt.succeeded
