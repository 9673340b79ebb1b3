"""Batches of several proofs: docs/protocol.md section 5, each rule broken alone in each proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import pytest

from contracts import errors
from contracts.batches import BatchStatement, Submission, most_proofs
from contracts.chain import Chain
from protocol.batch import PublicInputs, Shape, challenge
from protocol.crypto.field import R
from protocol.state import genesis_root
from tests.support.simulated_rollup import (
    SHAPE,
    SimulatedRollup,
    deploy_simulated,
    payout,
    with_proof,
)

RECIPIENT = "0x" + 38 * "0" + "AB"
ROOTS = (11, 22, 33)
EACH = range(len(ROOTS))


def _inputs(statements: Sequence[BatchStatement]) -> list[PublicInputs]:
    z = challenge(statements)
    return [statement.public_inputs(z) for statement in statements]


@pytest.mark.parametrize("count", [1, 2, 4, 16])
def test_a_batch_moves_the_root_to_where_its_last_proof_ends(
    rollup: SimulatedRollup, count: int
) -> None:
    client = rollup.client
    submission = rollup.honest_batch([100 + k for k in range(count)])
    client.submit_batch(submission)
    assert client.state_root() == 99 + count
    assert client.progress().batches == 1
    (batch,) = client.batches()
    assert batch.submission == submission
    statements = batch.statements(SHAPE, client.settings().domain)
    for proof, statement, inputs in zip(
        submission.proofs, statements, _inputs(statements), strict=True
    ):
        assert (statement.old_root, statement.new_root) == (proof.old_root, proof.new_root)
        assert (inputs.y_data, inputs.y_msg) == (proof.y_data, proof.y_msg)


def test_ops_and_payouts_of_all_proofs_take_effect(rollup: SimulatedRollup) -> None:
    """Five due ops fill two proofs, one slot of the third and none of the fourth."""
    client = rollup.client
    rollup.fill_queue(5)
    ops = rollup.queue(1, 5)
    payouts = [payout(user, RECIPIENT, 10 * k + user + 1, k) for k in (0, 2, 3) for user in (0, 2)]
    client.submit_batch(rollup.honest_batch([1, 2, 3, 4], ops, payouts))
    assert client.progress().processed == 5
    assert client.pending_ntok(RECIPIENT) == sum(p.amount_ntok for p in payouts)
    pending = list(client.pending_withdrawals())
    assert [(p.position, p.amount_ntok) for p in pending] == [
        (p.position, p.amount_ntok) for p in payouts
    ]
    (batch,) = client.batches()
    statements = batch.statements(SHAPE, client.settings().domain)
    assert [s.ops for s in statements] == [ops[:2], ops[2:4], ops[4:], ()]
    covered = [s.context.queue_covered for s in statements]
    l1_time = batch.submission.l1_time
    assert covered == [ops[2].enqueue_time, ops[4].enqueue_time, l1_time, l1_time]


@pytest.mark.parametrize("number", EACH)
@pytest.mark.parametrize(
    "field", ["old_root", "new_root", "digest", "y_data", "y_msg"], ids=lambda f: f
)
def test_every_field_of_every_proof_is_checked(
    shared: SimulatedRollup, number: int, field: str
) -> None:
    last = number == len(ROOTS) - 1
    expected: type[errors.Reverted] = {
        "old_root": errors.BrokenChain if number else errors.StaleRoot,
        "new_root": errors.MessagesMismatch if last else errors.BrokenChain,  # the last one moves z
        "digest": errors.MessagesMismatch,
        "y_data": errors.DataMismatch,
        "y_msg": errors.MessagesMismatch,
    }[field]
    honest = shared.honest_batch(ROOTS)
    changed = getattr(honest.proofs[number], field) + 1
    with pytest.raises(expected):
        shared.try_submit(with_proof(honest, number, **{field: changed}))


@pytest.mark.parametrize("number", EACH)
@pytest.mark.parametrize("field", ["new_root", "digest", "y_data", "y_msg"])
def test_inputs_at_or_above_r_are_refused_in_every_proof(
    shared: SimulatedRollup, number: int, field: str
) -> None:
    """Also where z and the chain are true to the aliased value, as an attacker would make them."""
    roots = list(ROOTS)
    if field == "new_root":
        roots[number] += R
    statements = list(shared.statements(roots))
    if field == "digest":
        statements[number] = replace(statements[number], digest=R + 5)
    inputs = _inputs(statements)
    if field in ("y_data", "y_msg"):
        inputs[number] = replace(inputs[number], **{field: getattr(inputs[number], field) + R})
    with pytest.raises(errors.InputTooLarge):
        shared.try_submit(shared.batch(statements, inputs=inputs))


@pytest.mark.parametrize("number", EACH)
@pytest.mark.parametrize("position", range(4))
def test_a_proof_for_other_public_inputs_is_refused_in_every_place(
    shared: SimulatedRollup, number: int, position: int
) -> None:
    statements = shared.statements(ROOTS)
    values = list(_inputs(statements)[number].values())
    values[position] = (values[position] + 1) % R
    honest = shared.batch(statements)
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(with_proof(honest, number, proof_bytes=shared.key.prove(values)))


def test_the_chain_of_roots_has_no_gap(rollup: SimulatedRollup) -> None:
    """Each proof true for itself, the second one from another root than where the first ends."""
    statements = list(rollup.statements(ROOTS))
    for number in (1, 2):
        broken = list(statements)
        broken[number] = replace(broken[number], old_root=999)
        with pytest.raises(errors.BrokenChain):
            rollup.try_submit(rollup.batch(broken))
    statements[0] = replace(statements[0], old_root=999)
    with pytest.raises(errors.StaleRoot):
        rollup.try_submit(rollup.batch(statements))
    assert rollup.client.state_root() == genesis_root()


def test_proofs_in_another_order_are_refused(shared: SimulatedRollup) -> None:
    honest = shared.honest_batch(ROOTS)
    for order in permutations(EACH):
        if order == (0, 1, 2):
            continue
        proofs = tuple(honest.proofs[i] for i in order)
        with pytest.raises((errors.StaleRoot, errors.BrokenChain)):
            shared.try_submit(replace(honest, proofs=proofs))
        moved = [replace(honest.proofs[k], proof_bytes=proofs[k].proof_bytes) for k in EACH]
        with pytest.raises(errors.ProofRejected):
            shared.try_submit(replace(honest, proofs=tuple(moved)))


def test_order_counts_even_where_all_roots_are_equal(shared: SimulatedRollup) -> None:
    root = shared.client.state_root()
    honest = shared.honest_batch([root, root])
    shared.try_submit(honest)
    with pytest.raises(errors.MessagesMismatch):
        shared.try_submit(replace(honest, proofs=honest.proofs[::-1]))


def test_the_same_proof_twice_is_refused(shared: SimulatedRollup) -> None:
    root = shared.client.state_root()
    honest = shared.honest_batch([root, root])
    with pytest.raises((errors.MessagesMismatch, errors.ProofRejected)):
        shared.try_submit(replace(honest, proofs=(honest.proofs[0],) * 2))


# --- the queue ---------------------------------------------------------------------------------


def test_ops_are_split_as_the_slots_fill_and_in_no_other_way(rollup: SimulatedRollup) -> None:
    rollup.fill_queue(3)
    ops = rollup.queue(1, 3)
    honest = rollup.statements([1, 2], ops)
    rollup.try_submit(rollup.batch(honest, ops))
    one, two = rollup.statements([1, 2], ops[:1])[0], rollup.statements([1, 2], ops[1:])[0]
    for first, second in [(one, two), (two, one)]:
        split = [
            replace(honest[0], messages=first.messages),
            replace(honest[1], messages=second.messages),
        ]
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(rollup.batch(split, ops))
    for wrong, error in [
        (ops[:2], errors.OpSkipped),
        ((), errors.OpSkipped),
        ((ops[0], ops[2], ops[1]), errors.QueueMismatch),
        ((*ops, ops[0]), errors.QueueMismatch),
        ((*ops, *ops), errors.TooManyOps),
    ]:
        with pytest.raises(error):
            rollup.try_submit(replace(rollup.batch(honest, ops), ops=wrong))


def test_ops_beyond_all_slots_wait_for_the_next_batch(rollup: SimulatedRollup) -> None:
    client = rollup.client
    rollup.fill_queue(5)
    client.submit_batch(rollup.honest_batch([1, 2], rollup.queue(1, 4)))
    (batch,) = client.batches()
    fifth = client.queue_record(5).enqueue_time
    assert (batch.processed, batch.queue_covered) == (4, min(fifth, batch.submission.l1_time))
    client.submit_batch(rollup.honest_batch([3, 4], rollup.queue(5, 5)))
    assert client.progress().processed == 5


@pytest.mark.parametrize("number", EACH)
def test_queue_covered_of_every_proof_is_the_contracts_own(
    rollup: SimulatedRollup, number: int
) -> None:
    """A proof cannot cover what the proofs after it consume, nor less than it must."""
    for _ in range(5):
        rollup.fill_queue(1)
        rollup.chain.advance_time(30)
    ops = rollup.queue(1, 5)
    statements = rollup.statements(ROOTS, ops)
    rollup.try_submit(rollup.batch(statements, ops))
    right = statements[number].context
    for covered in {right.l1_time, right.queue_covered + 1, ops[0].enqueue_time, 0}:
        if covered == right.queue_covered:
            continue
        lying = list(statements)
        lying[number] = replace(lying[number], context=replace(right, queue_covered=covered))
        with pytest.raises((errors.MessagesMismatch, errors.ProofRejected)):
            rollup.try_submit(rollup.batch(lying, ops))


# --- data and messages -------------------------------------------------------------------------


def test_data_that_cancel_between_proofs_are_refused(shared: SimulatedRollup) -> None:
    """What a plain sum of all y_data would let through."""
    statements = shared.statements(ROOTS)
    inputs = _inputs(statements)
    inputs[0] = replace(inputs[0], y_data=(inputs[0].y_data + 9) % R)
    inputs[2] = replace(inputs[2], y_data=(inputs[2].y_data - 9) % R)
    with pytest.raises(errors.DataMismatch):
        shared.try_submit(shared.batch(statements, inputs=inputs))


@pytest.mark.parametrize("other", ["y_msg", "y_data"])
def test_messages_that_cancel_are_refused(shared: SimulatedRollup, other: str) -> None:
    """Each proof has its own M(z): neither another's messages nor any data make up for it."""
    statements = shared.statements(ROOTS)
    z = challenge(statements)
    for shift in (9, 9 * pow(z, SHAPE.message_length, R)):
        inputs = _inputs(statements)
        inputs[0] = replace(inputs[0], y_msg=(inputs[0].y_msg + shift) % R)
        value = (getattr(inputs[1], other) - 9) % R
        inputs[1] = replace(inputs[1], **{other: value})
        with pytest.raises(errors.MessagesMismatch):
            shared.try_submit(shared.batch(statements, inputs=inputs))


def test_data_belong_to_their_proof(shared: SimulatedRollup) -> None:
    honest = shared.honest_batch(ROOTS)
    s = SHAPE.data_length
    data = honest.data
    for moved in [
        (*data[s : 2 * s], *data[:s], *data[2 * s :]),
        (*data[1:], data[0]),
        (*data[:-1], data[-1] + 1),
    ]:
        with pytest.raises(errors.MessagesMismatch):  # z is another
            shared.try_submit(replace(honest, data=moved))
        statements = shared.statements(ROOTS, data=moved)
        y_data = [proof.y_data for proof in honest.proofs]
        inputs = [
            replace(one, y_data=y) for one, y in zip(_inputs(statements), y_data, strict=True)
        ]
        with pytest.raises(errors.DataMismatch):
            shared.try_submit(shared.batch(statements, inputs=inputs))
    for wrong in [data[:-1], (*data, 0), data[:s], ()]:
        with pytest.raises(errors.BadDataLength):
            shared.try_submit(replace(honest, data=wrong))
    for i in range(len(data)):
        aliased = (*data[:i], data[i] + R, *data[i + 1 :])
        with pytest.raises(errors.DataTooLarge):
            shared.try_submit(shared.batch(shared.statements(ROOTS, data=aliased)))


@pytest.mark.parametrize("number", EACH)
@pytest.mark.parametrize("what", ["root", "digest", "data", "payout", "covered"])
def test_z_binds_every_part_of_every_proof(shared: SimulatedRollup, number: int, what: str) -> None:
    """Keep z and all evaluations true to the old z, change one thing: z on L1 is another."""
    roots, payouts = list(ROOTS), [payout(1, RECIPIENT, 7, k) for k in EACH]
    statements = list(shared.statements(roots, (), payouts))
    z = challenge(statements)
    data = [element for s in statements for element in s.data]
    if what == "root":
        roots[number] += 1
    if what == "payout":
        payouts[number] = replace(payouts[number], amount_ntok=8)
    if what == "data":
        data[number * SHAPE.data_length + 1] += 1
    changed = list(shared.statements(roots, (), payouts, data))
    if what == "digest":
        changed[number] = replace(changed[number], digest=77)
    if what == "covered":
        context = replace(changed[number].context, queue_covered=5)
        changed[number] = replace(changed[number], context=context)
        # L1's z has its own context: what was proved over another one misses it.
        assert challenge(changed) != z
        z = challenge(changed)
    inputs = [one.public_inputs(z) for one in changed]
    with pytest.raises((errors.DataMismatch, errors.MessagesMismatch)):
        shared.try_submit(shared.batch(changed, (), payouts, inputs))


def test_a_payout_stands_in_its_own_proof(rollup: SimulatedRollup) -> None:
    rollup.fill_queue(1)
    ops = rollup.queue(1, 1)
    good = payout(1, RECIPIENT, 7, 1)
    honest = rollup.honest_batch(ROOTS, ops, (good,))
    rollup.try_submit(honest)
    for elsewhere in (0, 2):
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(replace(honest, payouts=(payout(1, RECIPIENT, 7, elsewhere),)))
    for payouts in [(), (good, payout(1, RECIPIENT, 7, 2)), (payout(0, RECIPIENT, 7, 1),)]:
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(replace(honest, payouts=payouts))
    width = SHAPE.message_length
    places = [
        3 * width,  # of a fourth proof
        3 * width + good.position,
        width + 7,  # the output of the second proof's queue slot, which no op fills
        width,
        width + 15,
        2**32 - 1,
    ]
    for position in places:
        with pytest.raises(errors.BadWithdrawalPosition):
            rollup.try_submit(replace(honest, payouts=(replace(good, position=position),)))


def test_positions_increase_over_the_whole_batch(shared: SimulatedRollup) -> None:
    listed = [payout(user, RECIPIENT, 5, k) for k in EACH for user in (0, 2)]
    honest = shared.honest_batch(ROOTS, (), listed)
    shared.try_submit(honest)
    for wrong in [listed[::-1], [*listed[2:], *listed[:2]], [*listed, listed[-1]]]:
        with pytest.raises(errors.BadWithdrawalPosition):
            shared.try_submit(replace(honest, payouts=tuple(wrong)))


# --- how many ----------------------------------------------------------------------------------


def test_a_batch_has_1_to_16_proofs(shared: SimulatedRollup) -> None:
    honest = shared.honest_batch(range(1, 17))
    with pytest.raises(errors.NoProof):
        shared.try_submit(replace(honest, proofs=()))
    with pytest.raises(errors.NoProof):
        shared.try_submit(replace(honest, proofs=(), data=()))
    with pytest.raises(errors.MalformedCalldata):
        shared.try_submit(shared.honest_batch(range(1, 18)))
    for count in (1, 15):
        with pytest.raises(errors.BadDataLength):
            shared.try_submit(replace(honest, proofs=honest.proofs[:count]))


@pytest.mark.parametrize(
    ("shape", "most", "error"),
    [
        (Shape(8, 1), 4, errors.TooManyProofs),
        (Shape(1, 32), 7, errors.MalformedCalldata),
        (Shape(2, 10), 16, errors.MalformedCalldata),
        (Shape(3, 31), 8, errors.MalformedCalldata),
    ],
    ids=str,
)
def test_how_many_proofs_fit_depends_on_their_shape(
    chain: Chain, shape: Shape, most: int, error: type[errors.Reverted]
) -> None:
    assert most_proofs(shape) == most
    rollup = deploy_simulated(chain, chain.accounts[0], shape=shape)
    rollup.fill_queue(1)
    ops = rollup.queue(1, 1)
    full = [
        replace(payout(0, RECIPIENT, 1), position=k * shape.message_length + 8 * shape.queue_slots)
        for k in range(most)
    ]
    rollup.try_submit(rollup.honest_batch(range(1, 1 + most), ops, full))
    with pytest.raises(error):
        rollup.try_submit(rollup.honest_batch(range(1, 2 + most), ops))


def test_lists_longer_than_their_bounds_are_refused(shared: SimulatedRollup) -> None:
    honest: Submission = shared.honest_batch(range(1, 17))
    shared.try_submit(honest)
    with pytest.raises(errors.MalformedCalldata):
        shared.try_submit(replace(honest, data=(0,) * 257))
    many = tuple(replace(payout(0, RECIPIENT, 1), position=i) for i in range(257))
    with pytest.raises(errors.MalformedCalldata):
        shared.try_submit(replace(honest, payouts=many))
