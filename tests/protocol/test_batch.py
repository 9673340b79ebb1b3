"""A proof's data, messages, digest and challenge: everything that L1 sees is bound by z."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocol.batch import (
    ExecutedProof,
    Shape,
    challenge,
    digest_of,
    domain_of,
    evaluate,
    public_inputs,
    queue_covered,
)
from protocol.crypto.field import R
from protocol.crypto.poseidon import Tag, h4
from protocol.errors import BatchTooLarge, NoOperatorAccount, WrongNonce
from protocol.proof_builder import execute_proof
from protocol.queue import Deposit, NewAccount, QueueOp
from protocol.trace import Context
from protocol.transactions import Transaction
from tests.protocol.street import (
    ANNA,
    CONTEXT,
    DOMAIN,
    NOW,
    STRANGER,
    signed,
    street,
    transfer,
    withdraw,
)

SHAPE = Shape(queue_slots=2, user_slots=3)
OUTPUTS = (7, 15, 16, 17, 18)
"""The message elements that may be paid out: of both queue slots, of the user slots."""
OPS: list[QueueOp] = [
    NewAccount(1, NOW, 3, STRANGER.key_hash, STRANGER.l1_address, 5, 6),
    Deposit(2, NOW, 0, 7, 8),
]
Listed = list[tuple[Transaction, int | None]]


def listed(*bodies: Any) -> Listed:
    return [(signed(body, ANNA), None) for body in bodies]


def test_shapes_have_the_lengths_of_section_5() -> None:
    assert (SHAPE.data_length, SHAPE.message_length) == (1 + 3, 8 * 2 + 3)


def test_data_and_messages_stand_in_their_places_and_padding_is_zero() -> None:
    state = street()
    old_root = state.root
    proof = execute_proof(
        state, SHAPE, CONTEXT, 2, OPS[:1], listed(transfer(5, fee_ntok=1), withdraw(9, 2, 1))
    )
    assert (proof.old_root, proof.new_root) == (old_root, state.root)
    assert len(proof.data) == SHAPE.data_length
    assert proof.data[0] == 2 + (1 << 24)
    assert [element & 15 for element in proof.data[1:]] == [1, 2, 0]
    assert proof.messages[:8] == (*OPS[0].elements(), 0)
    assert proof.messages[8:16] == (0,) * 8
    assert proof.messages[16:] == (0, ANNA.l1_address + (9 << 160), 0)
    assert proof.fees_ntok == 3
    assert proof.fees is not None
    assert proof.fees.index == 2
    links = (old_root, state.root, CONTEXT.element())
    assert proof.digest == digest_of(proof.data, proof.messages, links)


def test_an_empty_proof_changes_nothing_and_names_nobody() -> None:
    state = street()
    proof = execute_proof(state, SHAPE, CONTEXT, 2, [], [])
    assert proof.old_root == proof.new_root == state.root
    assert set(proof.data) == set(proof.messages) == {0}
    assert proof.fees is None


def test_without_fees_the_operator_is_not_named_and_need_not_exist() -> None:
    proof = execute_proof(street(), SHAPE, CONTEXT, 77, [], listed(transfer(5)))
    assert proof.data[0] == 0
    assert proof.fees is None
    with pytest.raises(NoOperatorAccount, match="77"):
        execute_proof(street(), SHAPE, CONTEXT, 77, [], listed(transfer(5, fee_ntok=1)))


def test_too_much_for_the_circuit_is_refused_before_anything_changes() -> None:
    state = street()
    before = state.root
    with pytest.raises(BatchTooLarge, match="queue ops"):
        execute_proof(state, SHAPE, CONTEXT, 2, OPS + OPS, [])
    four = listed(*(transfer(nonce=nonce) for nonce in range(4)))
    with pytest.raises(BatchTooLarge, match="transactions"):
        execute_proof(state, SHAPE, CONTEXT, 2, [], four)
    assert state.root == before


def test_a_transaction_that_does_not_apply_stops_the_proof() -> None:
    with pytest.raises(WrongNonce):
        execute_proof(street(), SHAPE, CONTEXT, 2, [], listed(transfer(), transfer()))


def test_the_digest_chains_all_elements_three_at_a_time() -> None:
    first = h4(Tag.DIGEST, 0, 1, 2, 3)
    assert digest_of([1], [2, 3], [4]) == h4(Tag.DIGEST, first, 4, 0, 0)
    assert digest_of([1, 2], [3], []) == digest_of([], [], [1, 2, 3]) == first
    assert digest_of([], [], []) == 0


def test_evaluation_is_the_polynomial_with_the_lowest_coefficient_first() -> None:
    assert evaluate([7, 3, 2], 10) == 237
    assert evaluate([], 5) == 0
    assert evaluate([R - 1, 1], R - 1) == R - 2


def test_every_part_of_a_batch_moves_the_challenge() -> None:
    state = street()
    one = execute_proof(state, SHAPE, CONTEXT, 2, OPS, listed(transfer()))
    two = execute_proof(state, SHAPE, CONTEXT, 2, [], listed(withdraw(nonce=1)))
    z = challenge([one, two])
    assert 0 <= z < R
    later = Context(DOMAIN, NOW + 1, NOW)
    changed = [
        [one],
        [two, one],
        [one, two, two],
        [replace(one, old_root=one.old_root ^ 1), two],
        [replace(one, new_root=one.new_root ^ 1), two],
        [one, replace(two, context=later)],
        [one, replace(two, digest=two.digest ^ 1)],
        [one, replace(two, data=(two.data[0] ^ 1, *two.data[1:]))],
    ]
    assert len(one.queue) == SHAPE.queue_slots
    for i in range(SHAPE.message_length):
        changed.append([_with_message(one, i, one.messages[i] + 1), two])
    for i in OUTPUTS:
        changed.append([one, _with_message(two, i, two.messages[i] + 1)])
    assert len({z, *(challenge(proofs) for proofs in changed)}) == 1 + len(changed)


def test_an_output_counts_where_it_stands() -> None:
    """The same amount in another proof of the batch, or in another place of it, is another z."""
    state = street()
    one = execute_proof(state, SHAPE, CONTEXT, 2, [], listed(transfer()))
    two = execute_proof(state, SHAPE, CONTEXT, 2, [], listed(transfer(nonce=1)))
    paid = [[_with_message(one, i, 9), two] for i in OUTPUTS]
    paid += [[one, _with_message(two, i, 9)] for i in OUTPUTS]
    assert len({challenge(proofs) for proofs in paid}) == 2 * len(OUTPUTS)


def _with_message(proof: ExecutedProof, i: int, element: int) -> ExecutedProof:
    return replace(proof, messages=(*proof.messages[:i], element, *proof.messages[i + 1 :]))


def test_public_inputs_are_four_in_order_and_the_links_are_the_last_of_the_messages() -> None:
    proof = execute_proof(street(), SHAPE, CONTEXT, 2, OPS, listed(withdraw()))
    links = (proof.old_root, proof.new_root, CONTEXT.element())
    values = public_inputs(proof, 1).values()
    assert values == (
        proof.digest,
        1,
        sum(proof.data) % R,
        sum((*proof.messages, *links)) % R,
    )
    z, width = 12_345, SHAPE.message_length
    linked = sum(link * pow(z, width + i, R) for i, link in enumerate(links))
    at_z = public_inputs(proof, z)
    assert at_z.y_msg == (evaluate(proof.messages, z) + linked) % R
    assert at_z.y_data == evaluate(proof.data, z)
    assert all(0 <= value < R for value in public_inputs(proof, R - 1).values())


def test_the_queue_is_covered_up_to_the_oldest_op_that_is_left() -> None:
    """⚠ In time means enqueued before the deadline."""
    assert queue_covered(100, None) == 100
    assert queue_covered(100, 100) == 100
    assert queue_covered(100, 40) == 40
    assert queue_covered(100, 140) == 100


def test_the_domain_names_chain_and_contract() -> None:
    domains = {domain_of(chain, contract) for chain in (1, 2) for contract in (3, 4)}
    assert len(domains) == 4
    assert all(0 <= one < 2**128 for one in domains)
