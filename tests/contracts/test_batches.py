"""Batches: what docs/protocol.md section 5 demands, each rule broken alone by an attack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from contracts import errors
from contracts.abi import Contract, contract_from
from contracts.batches import BatchStatement
from contracts.build import compile_contract
from contracts.deploy import deploy_contract
from protocol.batch import PublicInputs, challenge, evaluate
from protocol.crypto.field import R
from protocol.state import genesis_root
from tests.support.simulated_rollup import (
    SHAPE,
    SimulatedRollup,
    deploy_simulated,
    payout,
    with_proof,
)

DAY_S = 86_400
RECIPIENT = "0x" + 38 * "0" + "AB"


def test_batches_move_the_root_and_are_read_back_whole(rollup: SimulatedRollup) -> None:
    client = rollup.client
    rollup.fill_queue(3)
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
        (statement,), (proof,) = batch.statements(SHAPE, domain), batch.submission.proofs
        inputs = statement.public_inputs(challenge([statement]))
        assert (inputs.y_data, inputs.y_msg) == (proof.y_data, proof.y_msg)
    assert client.batch(2) == batches[1]
    assert client.batch(3) is None
    assert client.state_root(block=batches[0].block_number) == 111
    assert [w.amount_ntok for w in client.pending_withdrawals()] == [5, 6]


def test_c2_the_root_changes_only_by_a_verified_proof(rollup: SimulatedRollup) -> None:
    client = rollup.client
    rollup.fill_queue(1)
    assert client.state_root() == genesis_root()
    honest = rollup.honest(5, rollup.queue(1, 1))
    elsewhere = deploy_simulated(rollup.chain, rollup.client.account, seed=2)
    forged = with_proof(honest, proof_bytes=elsewhere.key.prove([1, 2, 3, 4]))
    with pytest.raises(errors.ProofRejected):
        client.submit_batch(forged)
    assert client.state_root() == genesis_root()
    client.submit_batch(honest)
    assert client.state_root() == 5


@pytest.mark.parametrize("position", range(4))
def test_a_proof_for_other_public_inputs_is_refused(shared: SimulatedRollup, position: int) -> None:
    statement = shared.statement()
    values = list(statement.public_inputs(challenge([statement])).values())
    values[position] = (values[position] + 1) % R
    honest = shared.submission(statement)
    shared.try_submit(honest)
    with pytest.raises(errors.ProofRejected):
        shared.try_submit(with_proof(honest, proof_bytes=shared.key.prove(values)))


@pytest.mark.parametrize("field", ["new_root", "digest", "y_data", "y_msg"])
@pytest.mark.parametrize("aliased", [R, R + 1, 2**256 - 1])
def test_public_inputs_at_or_above_r_are_refused(
    shared: SimulatedRollup, field: str, aliased: int
) -> None:
    honest = shared.submission(shared.statement())
    with pytest.raises(errors.InputTooLarge):
        shared.try_submit(with_proof(honest, **{field: aliased}))


def test_an_input_aliased_by_r_is_refused(shared: SimulatedRollup) -> None:
    statement = shared.statement(new_root=3)
    aliased = replace(statement, new_root=3 + R)
    # z hashes the aliased root, as an attacker would.
    inputs = aliased.public_inputs(challenge([aliased]))
    attack = shared.submission(statement, inputs=inputs)
    with pytest.raises(errors.InputTooLarge):
        shared.try_submit(with_proof(attack, new_root=3 + R))


def test_y_values_are_bound(shared: SimulatedRollup) -> None:
    honest = shared.submission(shared.statement())
    with pytest.raises(errors.DataMismatch):
        shared.try_submit(with_proof(honest, y_data=(honest.proofs[0].y_data + 1) % R))
    with pytest.raises(errors.MessagesMismatch):
        shared.try_submit(with_proof(honest, y_msg=(honest.proofs[0].y_msg + 1) % R))


def test_data_and_messages_cannot_cancel_in_one_sum(shared: SimulatedRollup) -> None:
    """What adding both into one y would let through: y_data + d and y_msg - d."""
    honest = shared.submission(shared.statement())
    (proof,) = honest.proofs
    moved = with_proof(honest, y_data=(proof.y_data + 9) % R, y_msg=(proof.y_msg - 9) % R)
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
    with pytest.raises(errors.MessagesMismatch):  # its context has the other's domain
        rollup.try_submit(foreign)


LINKS = ("old_root", "new_root", "context")


@pytest.mark.parametrize("link", LINKS)
def test_a_proof_is_tied_to_its_roots_and_its_context(shared: SimulatedRollup, link: str) -> None:
    """They are no public inputs: what y_msg is the value of says which ones the proof has."""
    statement = shared.statement(new_root=3)
    z = challenge([statement])
    elements = [statement.old_root, statement.new_root, statement.context.element()]
    right = statement.public_inputs(z)
    assert right.y_msg == evaluate((*statement.messages, *elements), z)
    shared.try_submit(shared.submission(statement, inputs=right))
    place = LINKS.index(link)
    for shift in (1, 1 << 128, 1 << 168, R - 1):
        lied = list(elements)
        lied[place] = (lied[place] + shift) % R
        inputs = replace(right, y_msg=evaluate((*statement.messages, *lied), z))
        with pytest.raises(errors.MessagesMismatch):
            shared.try_submit(shared.submission(statement, inputs=inputs))


def test_roots_and_context_cannot_change_places(shared: SimulatedRollup) -> None:
    statement = shared.statement(new_root=3)
    z = challenge([statement])
    links = [statement.old_root, statement.new_root, statement.context.element()]
    messages = list(statement.messages)
    for wrong in (
        *([*messages, *moved] for moved in permutations(links) if list(moved) != links),
        [*links, *messages],
        [*messages[:-1], *links, 0],
        [*messages, 0, *links],
        messages,
    ):
        inputs = replace(statement.public_inputs(z), y_msg=evaluate(wrong, z))
        with pytest.raises(errors.MessagesMismatch):
            shared.try_submit(shared.submission(statement, inputs=inputs))


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
    old = statement.public_inputs(challenge([statement]))
    changed = AFTER_Z[what](statement)
    proved = PublicInputs(
        digest=changed.digest,
        z=old.z,
        y_data=sum(x * pow(old.z, i, R) for i, x in enumerate(changed.data)) % R,
        y_msg=old.y_msg,
    )
    with pytest.raises(errors.MessagesMismatch):
        shared.try_submit(shared.submission(changed, inputs=proved))
    now = challenge([changed])
    assert now != old.z
    right_messages = replace(proved, y_msg=changed.public_inputs(now).y_msg)
    with pytest.raises(errors.DataMismatch):
        shared.try_submit(shared.submission(changed, inputs=right_messages))


def test_data_must_be_exactly_s_elements_below_r(shared: SimulatedRollup) -> None:
    for data in [(1, 2, 3), (1, 2, 3, 4, 0), ()]:
        with pytest.raises(errors.BadDataLength):
            shared.try_submit(replace(shared.honest(1), data=data))
    with pytest.raises(errors.MalformedCalldata):
        shared.try_submit(replace(shared.honest(1), data=(0,) * 257))
    for position in range(SHAPE.data_length):
        for too_large in (R, 2**256 - 1):
            elements = [1, 2, 3, 4]
            elements[position] = too_large
            with pytest.raises(errors.DataTooLarge):
                shared.try_submit(shared.submission(shared.statement(data=elements)))


@pytest.fixture(scope="module")
def forwarder() -> Contract:
    """Compiled once."""
    source = Path(__file__).parent / "sources" / "forwarder.vy"
    return contract_from(compile_contract(source))


def test_a_batchs_data_cannot_hide_behind_a_contract(
    rollup: SimulatedRollup, forwarder: Contract
) -> None:
    client, stranger = rollup.client, rollup.chain.accounts[7]
    rollup.fill_queue(1)
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
    rollup.fill_queue(1)
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
