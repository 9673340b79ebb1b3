"""Batches: what docs/protocol.md section 5 demands, each rule broken alone by an attack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import Contract, contract_from
from contracts.batches import BatchStatement, Submission
from contracts.build import compile_contract
from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.deploy import deploy_contract
from contracts.reader import ABI
from protocol.batch import PublicInputs
from protocol.crypto.field import R
from protocol.state import genesis_root
from tests.support.simulated_rollup import (
    FIRST_USER_MESSAGE,
    SHAPE,
    SimulatedRollup,
    deploy_simulated,
    payout,
)

DAY_S = 86_400
RECIPIENT = "0x" + 38 * "0" + "AB"


def _fill_queue(rollup: SimulatedRollup, count: int) -> None:
    for i in range(count):
        rollup.client.new_account(i, rollup.client.account.address, 10 + i)


def test_batches_move_the_root_and_are_read_back_whole(rollup: SimulatedRollup) -> None:
    client = rollup.client
    _fill_queue(rollup, 3)
    ops = rollup.queue(1, 3)
    first = rollup.honest(111, ops[:2])
    client.submit_batch(first)
    assert client.state_root() == 111
    second = rollup.honest(222, ops[2:], (payout(0, RECIPIENT, 5), payout(2, RECIPIENT, 6)))
    client.submit_batch(second)
    progress = client.progress()
    assert (progress.batches, progress.processed) == (2, 3)
    assert progress.l1_time == second.l1_time
    assert client.pending_ntok(RECIPIENT) == 11

    batches = list(client.batches())
    assert [batch.submission for batch in batches] == [first, second]
    assert [batch.number for batch in batches] == [1, 2]
    assert [batch.processed for batch in batches] == [2, 3]
    assert batches[0].queue_covered == min(first.l1_time, ops[2].enqueue_time)
    domain = client.settings().domain
    for batch in batches:
        inputs = batch.statement(SHAPE, domain).public_inputs()
        assert (inputs.y_data, inputs.y_msg) == (batch.submission.y_data, batch.submission.y_msg)
    assert client.batch(2) == batches[1]
    assert client.batch(3) is None
    assert client.state_root(block=batches[0].block_number) == 111
    assert [w.amount_ntok for w in client.pending_withdrawals()] == [5, 6]


def test_c2_the_root_changes_only_by_a_verified_proof(rollup: SimulatedRollup) -> None:
    client = rollup.client
    _fill_queue(rollup, 1)
    assert client.state_root() == genesis_root()
    honest = rollup.honest(5, rollup.queue(1, 1))
    elsewhere = deploy_simulated(rollup.chain, rollup.client.account, seed=2)
    forged = replace(honest, proof_bytes=elsewhere.key.prove([1, 2, 3, 4, 5, 6, 7]))
    with pytest.raises(errors.ProofRejected):
        client.submit_batch(forged)
    assert client.state_root() == genesis_root()
    client.submit_batch(honest)
    assert client.state_root() == 5


@pytest.mark.parametrize("position", range(7))
def test_a_proof_for_other_public_inputs_is_refused(shared: SimulatedRollup, position: int) -> None:
    statement = shared.statement()
    values = list(statement.public_inputs().values())
    values[position] = (values[position] + 1) % R
    honest = shared.submission(statement)
    shared.try_submit(honest)
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(replace(honest, proof_bytes=shared.key.prove(values)))


@pytest.mark.parametrize("field", ["new_root", "digest", "y_data", "y_msg"])
@pytest.mark.parametrize("aliased", [R, R + 1, 2**256 - 1])
def test_public_inputs_at_or_above_r_are_refused(
    shared: SimulatedRollup, field: str, aliased: int
) -> None:
    honest = shared.submission(shared.statement())
    with pytest.raises(errors.InputTooLarge):
        shared.try_submit(_with(honest, field, aliased))


def test_an_input_aliased_by_r_is_refused(shared: SimulatedRollup) -> None:
    statement = shared.statement(new_root=3)
    aliased = replace(statement, new_root=3 + R)
    inputs = aliased.public_inputs()  # z hashes the aliased root, as an attacker would
    attack = shared.submission(statement, inputs=replace(inputs, new_root=3))
    with pytest.raises(errors.InputTooLarge):
        shared.try_submit(replace(attack, new_root=3 + R))


def test_y_values_are_bound(shared: SimulatedRollup) -> None:
    honest = shared.submission(shared.statement())
    with pytest.raises(errors.DataMismatch):
        shared.try_submit(replace(honest, y_data=(honest.y_data + 1) % R))
    with pytest.raises(errors.MessagesMismatch):
        shared.try_submit(replace(honest, y_msg=(honest.y_msg + 1) % R))


def test_data_and_messages_cannot_cancel_in_one_sum(shared: SimulatedRollup) -> None:
    """What adding both into one y would let through: y_data + d and y_msg - d."""
    honest = shared.submission(shared.statement())
    moved = replace(honest, y_data=(honest.y_data + 9) % R, y_msg=(honest.y_msg - 9) % R)
    with pytest.raises(errors.MessagesMismatch):
        shared.try_submit(moved)


def test_an_old_root_that_is_not_the_stored_one_is_refused(shared: SimulatedRollup) -> None:
    statement = replace(shared.statement(), old_root=12345)
    with pytest.raises(errors.StaleRoot):
        shared.try_submit(shared.submission(statement))
    aliased = replace(shared.statement(), old_root=shared.client.state_root() + R)
    with pytest.raises(errors.StaleRoot):
        shared.try_submit(shared.submission(aliased))


def test_a_batch_cannot_be_replayed(rollup: SimulatedRollup) -> None:
    honest = rollup.honest(4)
    rollup.client.submit_batch(honest)
    with pytest.raises(errors.StaleRoot):
        rollup.client.submit_batch(honest)


def test_a_batch_of_another_contract_is_refused(rollup: SimulatedRollup) -> None:
    other = deploy_simulated(rollup.chain, rollup.client.account)
    assert other.client.state_root() == rollup.client.state_root()
    foreign = other.honest(4)
    other.try_submit(foreign)
    with pytest.raises((errors.DataMismatch, errors.ProofRejected)):
        rollup.try_submit(foreign)


Change = Callable[[BatchStatement], BatchStatement]
AFTER_Z: dict[str, Change] = {
    "new_root": lambda s: replace(s, new_root=s.new_root + 1),
    "digest": lambda s: replace(s, digest=s.digest + 1),
    "a data element": lambda s: replace(s, data=(*s.data[:-1], s.data[-1] + 1)),
}


@pytest.mark.parametrize("what", AFTER_Z)
def test_z_binds_everything_before_it(shared: SimulatedRollup, what: str) -> None:
    """Keep z and both evaluations true to the old z, change one thing: z on L1 is another."""
    statement = shared.statement()
    old = statement.public_inputs()
    changed = AFTER_Z[what](statement)
    proved = PublicInputs(
        old_root=changed.old_root,
        new_root=changed.new_root,
        context=changed.context.element(),
        digest=changed.digest,
        z=old.z,
        y_data=sum(x * pow(old.z, i, R) for i, x in enumerate(changed.data)) % R,
        y_msg=old.y_msg,
    )
    with pytest.raises(errors.DataMismatch):
        shared.try_submit(shared.submission(changed, inputs=proved))


def test_data_must_be_exactly_s_elements_below_r(shared: SimulatedRollup) -> None:
    for data in [(1, 2, 3), (1, 2, 3, 4, 0), ()]:
        with pytest.raises(errors.BadDataLength):
            shared.try_submit(shared.submission(shared.statement(data=data)))
    with pytest.raises(errors.MalformedCalldata):
        shared.try_submit(shared.submission(shared.statement(data=(0,) * 34)))
    for position in range(SHAPE.data_length):
        for too_large in (R, 2**256 - 1):
            elements = [1, 2, 3, 4]
            elements[position] = too_large
            with pytest.raises(errors.DataTooLarge):
                shared.try_submit(shared.submission(shared.statement(data=elements)))


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
    with pytest.raises((errors.DataMismatch, errors.ProofRejected)):
        shared.try_submit(replace(honest, l1_time=honest.l1_time - 1))


def test_queue_covered_is_the_contracts_own(rollup: SimulatedRollup) -> None:
    """A sequencer that sits on an op cannot claim to have covered the queue past it."""
    client = rollup.client
    _fill_queue(rollup, 3)
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
    _fill_queue(rollup, 4)
    one, two, three, four = rollup.queue(1, 4)
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
    _fill_queue(rollup, 1)
    (one,) = rollup.queue(1, 1)
    in_flight = rollup.submission(
        rollup.statement(1, (one,), l1_time=one.enqueue_time, covered=one.enqueue_time), (one,)
    )
    rollup.chain.advance_time(30)
    _fill_queue(rollup, 1)
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
    _fill_queue(rollup, 1)
    (one,) = rollup.queue(1, 1)
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
    _fill_queue(rollup, 3)
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


@pytest.fixture(scope="module")
def forwarder() -> Contract:
    """Compiled once."""
    source = Path(__file__).parent / "sources" / "forwarder.vy"
    return contract_from(compile_contract(source))


def test_a_batchs_data_cannot_hide_behind_a_contract(
    rollup: SimulatedRollup, forwarder: Contract
) -> None:
    client, stranger = rollup.client, rollup.chain.accounts[7]
    _fill_queue(rollup, 1)
    rollup.chain.advance_time(3 * DAY_S + 10)  # from now on anyone may submit
    batch = rollup.honest(1, rollup.queue(1, 1))
    rollup.try_submit(batch, stranger.address)
    middle_man = deploy_contract(client.sender, forwarder)
    forward = forwarder.functions["forward"].encode_call(client.address, batch.calldata())
    call = {"from": stranger.address, "to": middle_man, "data": "0x" + forward.hex()}
    with pytest.raises(errors.NotDirect):
        client.rpc.call("eth_call", call, "latest")


def test_a_batchs_data_cannot_hide_behind_an_accounts_own_code(
    rollup: SimulatedRollup, forwarder: Contract
) -> None:
    """EIP-7702: the sender is the origin, but its code makes the call."""
    if rollup.chain.kind != "anvil":
        pytest.skip("only anvil lets a test delegate an account by one call")
    client, stranger = rollup.client, rollup.chain.accounts[8]
    _fill_queue(rollup, 1)
    rollup.chain.advance_time(3 * DAY_S + 10)
    batch = rollup.honest(1, rollup.queue(1, 1))
    middle_man = deploy_contract(client.sender, forwarder)
    client.rpc.call("anvil_setCode", stranger.address, "0xef0100" + middle_man[2:])
    forward = forwarder.functions["forward"].encode_call(client.address, batch.calldata())
    itself = {"from": stranger.address, "to": stranger.address, "data": "0x" + forward.hex()}
    with pytest.raises(errors.NotDirect):
        client.rpc.call("eth_call", itself, "latest")
    client.rpc.call("anvil_setCode", stranger.address, "0x")
    rollup.try_submit(batch, stranger.address)


def test_withdrawals_stand_where_the_proof_says_and_nowhere_else(
    rollup: SimulatedRollup,
) -> None:
    _fill_queue(rollup, 1)
    ops = rollup.queue(1, 1)
    good = payout(1, RECIPIENT, 7)
    honest = rollup.honest(1, ops, (good,))
    rollup.try_submit(honest)
    width = SHAPE.message_length
    for position in [*range(16), width, width + 1, 2**255]:
        if position == 7:
            continue
        with pytest.raises(errors.BadWithdrawalPosition):
            rollup.try_submit(replace(honest, payouts=(replace(good, position=position),)))
    for payouts in [(), (payout(0, RECIPIENT, 7),), (payout(2, RECIPIENT, 7),)]:
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(replace(honest, payouts=payouts))
    for payouts in [
        (payout(1, RECIPIENT, 8),),
        (payout(1, "0x" + 38 * "0" + "AC", 7),),
        (good, payout(2, RECIPIENT, 1)),
    ]:
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(replace(honest, payouts=payouts))


def test_withdrawal_positions_strictly_increase(shared: SimulatedRollup) -> None:
    first, second = payout(0, RECIPIENT, 1), payout(2, RECIPIENT, 2)
    honest = shared.honest(1, (), (first, second))
    shared.try_submit(honest)
    for payouts in [(second, first), (first, first), (first, second, second)]:
        with pytest.raises(errors.BadWithdrawalPosition):
            shared.try_submit(replace(honest, payouts=payouts))


def test_a_queue_slots_output_counts_only_where_an_op_was_consumed(
    rollup: SimulatedRollup,
) -> None:
    """Position 8j + 7 is possible for a consumed slot j; for others the element must be 0."""
    _fill_queue(rollup, 1)
    ops = rollup.queue(1, 1)
    at_7 = replace(payout(0, RECIPIENT, 3), position=7)
    rollup.try_submit(rollup.honest(1, ops, (at_7,)))  # if a circuit ever proved it
    at_15 = replace(at_7, position=15)
    with pytest.raises(errors.BadWithdrawalPosition):
        rollup.try_submit(rollup.honest(1, ops, (at_15,)))


def test_a_withdrawal_of_zero_is_not_listed(shared: SimulatedRollup) -> None:
    zero = payout(0, RECIPIENT, 0)
    with pytest.raises(errors.WithdrawalZero):
        shared.try_submit(replace(shared.honest(1), payouts=(zero,)))


def test_addresses_and_amounts_outside_their_widths_are_refused(
    shared: SimulatedRollup,
) -> None:
    """2^64 ntok to 0xab has the same element as 0 to 0xab + ... : the ABI's widths forbid both."""
    honest = shared.honest(1, (), (payout(0, RECIPIENT, 7),))
    calldata = honest.calldata()
    recipient_word = int(RECIPIENT, 16).to_bytes(32, "big")
    amount_word = (7).to_bytes(32, "big")
    assert calldata.endswith(recipient_word + amount_word)
    for words in [
        recipient_word + (7 + 2**64).to_bytes(32, "big"),
        (int(RECIPIENT, 16) + 2**160).to_bytes(32, "big") + amount_word,
    ]:
        with pytest.raises(errors.MalformedCalldata):
            shared.client.call(calldata[:-64] + words, shared.client.account.address)


def test_positions_are_counted_from_8q(chain: Chain) -> None:
    assert 8 * SHAPE.queue_slots == FIRST_USER_MESSAGE
    rollup = deploy_simulated(chain, chain.accounts[0])
    rollup.client.submit_batch(rollup.honest(1, (), (payout(2, RECIPIENT, 4),)))
    (pending,) = rollup.client.pending_withdrawals()
    assert (pending.position, pending.recipient) == (18, RECIPIENT)
    assert ABI.functions["submit_batch"].selector


def _with(submission: Submission, field: str, value: int) -> Submission:
    changed: Submission = replace(submission, **{field: value})  # type: ignore[arg-type]
    return changed
