"""verify-batch: an honest record passes whole; every single lie fails at the check that owns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.batches import BatchStatement, SubmittedProof
from protocol.batch import challenge, digest_of, link_elements
from protocol.crypto.field import R
from protocol.queue import NewAccount
from protocol.state import State
from protocol.units import DAY_S
from sequencer.proving import contract_key
from tests.support.simulated_proofs import SimulatedKey
from tests.wattlane import records
from tests.wattlane.records import IN_BLOB
from wattlane.errors import BadChoice
from wattlane.l1_record import L1Record, rebuild_state
from wattlane.proof_check import from_contract_key
from wattlane.verify_batch import (
    BATCH_CHECKS,
    GROTH16_CHECKS,
    PROOF_CHECKS,
    VerificationFailed,
    chosen,
    verify,
)

OF_BATCH = [step for step, _ in BATCH_CHECKS]
OF_PROOF = [
    *(step for step, _ in PROOF_CHECKS),
    "replay",
    *(step for step, _ in GROTH16_CHECKS),
]
TWO_PROOFS = 6
"""The record's batch of two proofs."""


def test_an_honest_batch_passes_every_check_in_order() -> None:
    passed = list(verify(records.record(), [5, TWO_PROOFS]))
    expected = [
        (number, proof, step)
        for number, proofs in ((5, [1]), (TWO_PROOFS, [1, 2]))
        for step in (*OF_BATCH, *OF_PROOF)
        for proof in ([None] if step in OF_BATCH else proofs)
    ]
    assert [(one.batch, one.proof, one.step) for one in passed] == expected
    found = {(one.batch, one.proof, one.step): one.found for one in passed}
    for place in ((5, 1), (TWO_PROOFS, 1), (TWO_PROOFS, 2)):
        assert "1 payouts" in found[(*place, "replay")]
    assert found[(TWO_PROOFS, None, "queue")] == "ops 4 to 6"


def test_all_batches_of_the_record_verify() -> None:
    whole = records.record()
    numbers = chosen(whole, "all")
    assert {one.batch for one in verify(whole, numbers)} == {1, 2, 3, 4, 5, 6}
    assert rebuild_state(whole).root == whole.state_root


def _data(number: int, place: int, change: Callable[[int], int]) -> L1Record:
    data = list(records.record().batches[number - 1].submission.data)
    data[place] = change(data[place])
    return records.with_batch(number, data=tuple(data))


def _plus_one(number: int, field: str, place: int = 0) -> L1Record:
    proof = records.record().batches[number - 1].submission.proofs[place]
    return records.with_proof(number, place, **{field: getattr(proof, field) + 1})


def _flipped_proof(number: int, place: int = 0) -> L1Record:
    proof = records.record().batches[number - 1].submission.proofs[place].proof_bytes
    other = records.KEY.prove(range(4))
    return records.with_proof(number, place, proof_bytes=other[:128] + proof[128:])


def _swapped_proofs() -> L1Record:
    _, two = records.record().batches[TWO_PROOFS - 1].submission.proofs
    return records.with_proof(TWO_PROOFS, 0, proof_bytes=two.proof_bytes)


def _other_ops() -> L1Record:
    first, second = records.record().batches[0].submission.ops
    assert isinstance(first, NewAccount)
    return records.with_batch(1, ops=(replace(first, amount_ntok=1), second))


def _forged_queue() -> L1Record:
    """Event, calldata and data agree on another amount; only the contract's hash does not."""
    first = records.record().ops[0]
    assert isinstance(first, NewAccount)
    lied = replace(first, amount_ntok=1)
    ops = (lied, records.record().ops[1])
    return replace(records.with_batch(1, ops=ops), ops=(*ops, *records.record().ops[2:]))


def _payouts(number: int, change: int, place: int = 0) -> L1Record:
    payouts = list(records.record().batches[number - 1].submission.payouts)
    payouts[place] = replace(payouts[place], amount_ntok=payouts[place].amount_ntok + change)
    return records.with_batch(number, payouts=tuple(payouts))


def _moved_payout(by: int) -> L1Record:
    payouts = list(records.record().batches[TWO_PROOFS - 1].submission.payouts)
    payouts[1] = replace(payouts[1], position=payouts[1].position + by)
    return records.with_batch(TWO_PROOFS, payouts=tuple(payouts))


def _second_of_two(ops: int) -> L1Record:
    """The batch of two proofs with its last op left out, or the next one taken too."""
    first = records.record().batches[TWO_PROOFS - 2].processed
    taken = records.record().ops[first : first + ops]
    return records.with_batch(TWO_PROOFS, ops=taken, processed=first + ops)


def _only_first_proof() -> L1Record:
    batch = records.record().batches[TWO_PROOFS - 1].submission
    half = len(batch.data) // 2
    return records.with_batch(TWO_PROOFS, proofs=batch.proofs[:1], data=batch.data[:half])


S, W = records.SHAPE.data_length, records.SHAPE.message_length


def _link(**changes: bytes) -> L1Record:
    link = records.record().batches[IN_BLOB - 1].submission.link
    assert link is not None
    return records.with_batch(IN_BLOB, link=replace(link, **changes))


INFINITY = b"\xc0" + bytes(47)

LIES: dict[str, tuple[Callable[[], L1Record], int, str]] = {
    "another blob": (lambda: _data(IN_BLOB, 0, lambda head: head + 1), IN_BLOB, "blob"),
    "another commitment": (lambda: _link(commitment=INFINITY), IN_BLOB, "blob"),
    "another opening": (lambda: _link(opening_proof=INFINITY), IN_BLOB, "blob"),
    "no blob at all": (lambda: records.with_batch(IN_BLOB, link=None), IN_BLOB, "evaluations"),
    "no proof": (lambda: records.with_batch(2, proofs=()), 2, "data"),
    "another chain": (lambda: replace(records.record(), chain_id=1), 1, "domain"),
    "another contract": (lambda: replace(records.record(), contract=1), 1, "domain"),
    "one element too few": (
        lambda: records.with_batch(2, data=records.record().batches[1].submission.data[:-1]),
        2,
        "data",
    ),
    "an unknown type": (lambda: _data(2, 4, lambda _: 15), 2, "data"),
    "a longer element": (lambda: _data(2, 1, lambda element: element + (1 << 250)), 2, "data"),
    "an element of r": (lambda: _data(2, 4, lambda _: R), 2, "data"),
    "an op not counted": (lambda: _data(1, 0, lambda head: head - (1 << 24)), 1, "data"),
    "an op that L1 did not log": (_other_ops, 1, "queue"),
    "a queue that was not hashed": (_forged_queue, 1, "queue"),
    "an op skipped": (lambda: records.with_batch(2, ops=(), processed=2), 2, "data"),
    "time that goes back": (lambda: records.with_batch(3, l1_time=records.START + 99), 3, "time"),
    "time after the block": (
        lambda: replace(records.record(), block_times=(records.START + 9,) * 6),
        1,
        "time",
    ),
    "time long before the block": (
        lambda: replace(records.record(), block_times=(records.START + 7_211,) * 6),
        1,
        "time",
    ),
    "queue covered too far": (
        lambda: records.with_batch(5, queue_covered=records.START),
        5,
        "time",
    ),
    "another digest": (lambda: _plus_one(2, "digest"), 2, "digest"),
    "another amount in the data": (lambda: _data(4, 3, lambda e: e + (1 << 52)), 4, "digest"),
    "another payout": (lambda: _payouts(5, 1), 5, "digest"),
    "another y_data": (lambda: _plus_one(2, "y_data"), 2, "evaluations"),
    "another y_msg": (lambda: _plus_one(2, "y_msg"), 2, "evaluations"),
    "a root not chained": (lambda: _plus_one(3, "old_root"), 3, "digest"),
    "another new root": (lambda: _plus_one(3, "new_root"), 3, "digest"),
    "L1 stands elsewhere": (lambda: replace(records.record(), state_root=1), 6, "roots"),
    "another proof": (lambda: _flipped_proof(2), 2, "proof, by py_arkworks"),
    "another key": (
        lambda: replace(records.record(), key=SimulatedKey(seed=2).key),
        1,
        "proof, by py_arkworks",
    ),
}


LIES_OF_THE_SECOND: dict[str, tuple[Callable[[], L1Record], int | None, str]] = {
    "a first proof alone": (_only_first_proof, None, "data"),
    "an op left out": (lambda: _second_of_two(2), None, "data"),
    "an op too many": (lambda: _second_of_two(4), None, "data"),
    "its header": (lambda: _data(TWO_PROOFS, S, lambda head: head + 1), 2, "digest"),
    "its header's ops": (lambda: _data(TWO_PROOFS, S, lambda head: head + (1 << 24)), None, "data"),
    "its data": (lambda: _data(TWO_PROOFS, S + 2, lambda e: e + (1 << 28)), 2, "digest"),
    "its data beyond r": (lambda: _data(TWO_PROOFS, S + 2, lambda _: R), None, "data"),
    "another digest": (lambda: _plus_one(TWO_PROOFS, "digest", 1), 2, "digest"),
    "another y_data": (lambda: _plus_one(TWO_PROOFS, "y_data", 1), 2, "evaluations"),
    "another y_msg": (lambda: _plus_one(TWO_PROOFS, "y_msg", 1), 2, "evaluations"),
    "a root not chained": (lambda: _plus_one(TWO_PROOFS, "old_root", 1), 2, "digest"),
    "another new root": (lambda: _plus_one(TWO_PROOFS, "new_root", 1), 2, "digest"),
    "another payout": (lambda: _payouts(TWO_PROOFS, 1, place=1), 2, "digest"),
    "a payout moved": (lambda: _moved_payout(1), 2, "digest"),
    "a payout of the first": (lambda: _moved_payout(-W), 1, "digest"),
    "a payout beyond all": (lambda: _moved_payout(W), None, "data"),
    "another time": (
        lambda: records.with_batch(TWO_PROOFS, l1_time=records.START + 6 * DAY_S + 1),
        None,
        "time",
    ),
    "queue covered too far": (
        lambda: records.with_batch(TWO_PROOFS, queue_covered=records.START),
        None,
        "time",
    ),
    "another proof": (lambda: _flipped_proof(TWO_PROOFS, 1), 2, "proof, by py_arkworks"),
    "the second proof twice": (_swapped_proofs, 1, "proof, by py_arkworks"),
}


@pytest.mark.parametrize(
    ("lie", "proof", "step"), LIES_OF_THE_SECOND.values(), ids=LIES_OF_THE_SECOND.keys()
)
def test_every_field_of_the_second_proof_is_checked(
    lie: Callable[[], L1Record], proof: int | None, step: str
) -> None:
    with pytest.raises(VerificationFailed) as caught:
        list(verify(lie(), [TWO_PROOFS]))
    found = caught.value.batch, caught.value.proof, caught.value.step
    assert found == (TWO_PROOFS, proof, step)


def _with_statements(change: Callable[[BatchStatement], BatchStatement]) -> L1Record:
    """The batch of two proofs, its second one changed, and all else made to fit: digests, z,
    evaluations and simulated proofs are honest about the lie."""
    whole = records.record()
    batch = whole.batches[TWO_PROOFS - 1]
    one, two = batch.statements(records.SHAPE, records.DOMAIN)
    lied = change(two)
    links = link_elements(lied.old_root, lied.new_root, lied.context)
    statements = (one, replace(lied, digest=digest_of(lied.data, lied.messages, links)))
    z = challenge(statements)
    proofs = tuple(
        SubmittedProof(
            old_root=statement.old_root,
            new_root=statement.new_root,
            digest=statement.digest,
            y_data=inputs.y_data,
            y_msg=inputs.y_msg,
            proof_bytes=records.KEY.prove(inputs.values()),
        )
        for statement in statements
        if (inputs := statement.public_inputs(z))
    )
    data = (*one.data, *statements[1].data)
    return records.with_batch(TWO_PROOFS, proofs=proofs, data=data)


def _one_more_transferred(two: BatchStatement) -> BatchStatement:
    header, transfer, *others = two.data
    return replace(two, data=(header, transfer + (1 << 52), *others))


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda two: replace(two, old_root=two.old_root + 1), "roots"),
        (lambda two: replace(two, new_root=two.new_root + 1), "roots"),
        (_one_more_transferred, "replay"),
    ],
)
def test_a_second_proof_that_lies_consistently_is_refused_by_roots_and_replay(
    change: Callable[[BatchStatement], BatchStatement], step: str
) -> None:
    with pytest.raises(VerificationFailed) as caught:
        list(verify(_with_statements(change), [TWO_PROOFS]))
    assert (caught.value.proof, caught.value.step) == (2, step)


@pytest.mark.parametrize(("lie", "batch", "step"), LIES.values(), ids=LIES.keys())
def test_a_lie_fails_at_its_own_check(lie: Callable[[], L1Record], batch: int, step: str) -> None:
    with pytest.raises(VerificationFailed) as caught:
        list(verify(lie(), [batch]))
    assert (caught.value.batch, caught.value.step) == (batch, step)
    proof = None if step in OF_BATCH else len(records.record().batches[batch - 1].submission.proofs)
    assert caught.value.proof == proof
    where = f"batch {batch}" if proof is None else f"batch {batch}, proof {proof}"
    assert str(caught.value).startswith(f"{where}: {step}: ")


@pytest.mark.parametrize("step", [step for step, _ in GROTH16_CHECKS])
def test_each_library_alone_refuses_a_wrong_proof(step: str) -> None:
    lied, check = _flipped_proof(TWO_PROOFS, 1), dict(GROTH16_CHECKS)[step]
    with pytest.raises(Exception, match=r"pairing equation"):
        check(lied, lied.batches[TWO_PROOFS - 1], 1)
    assert check(lied, lied.batches[TWO_PROOFS - 1], 0)
    assert check(records.record(), records.record().batches[TWO_PROOFS - 1], 1)


def test_a_lie_in_an_earlier_batch_is_found_from_a_later_one() -> None:
    with pytest.raises(VerificationFailed, match="batch 2, proof 1: digest"):
        list(verify(_plus_one(2, "digest"), [5]))


def test_the_key_survives_the_way_to_the_contract_and_back() -> None:
    assert contract_key(from_contract_key(records.KEY.key)) == records.KEY.key


def test_batches_are_chosen_by_number_or_all() -> None:
    whole = records.record()
    assert chosen(whole, "all") == range(1, 7)
    assert chosen(whole, "3") == range(3, 4)
    for wrong in ("0", "7", "-1", "two", "1.0", ""):
        with pytest.raises(BadChoice, match="name one of 1 to 6"):
            chosen(whole, wrong)
    with pytest.raises(BadChoice, match="no batch"):
        chosen(replace(whole, batches=()), "all")


def test_a_record_without_batches_is_the_genesis_state() -> None:
    assert rebuild_state(records.record(), 0).root == State().root
