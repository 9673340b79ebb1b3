"""verify-batch: an honest record passes whole; every single lie fails at the check that owns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.crypto.field import R
from protocol.state import State
from sequencer.proving import contract_key
from tests.support.simulated_proofs import SimulatedKey
from tests.wattlane import records
from wattlane.errors import BadChoice
from wattlane.l1_record import L1Record, rebuild_state
from wattlane.proof_check import from_contract_key
from wattlane.verify_batch import CHECKS, PROOF_CHECKS, VerificationFailed, chosen, verify

STEPS = [*(step for step, _ in CHECKS), "replay", *(step for step, _ in PROOF_CHECKS)]


def test_an_honest_batch_passes_every_check_in_order() -> None:
    passed = list(verify(records.record(), [4, 5]))
    assert [(one.batch, one.step) for one in passed] == [
        (n, step) for n in (4, 5) for step in STEPS
    ]
    assert "1 payouts" in next(
        one.found for one in passed if (one.batch, one.step) == (5, "replay")
    )


def test_all_batches_of_the_record_verify() -> None:
    whole = records.record()
    numbers = chosen(whole, "all")
    assert {one.batch for one in verify(whole, numbers)} == {1, 2, 3, 4, 5}
    assert rebuild_state(whole).root == whole.state_root


def _data(number: int, place: int, change: Callable[[int], int]) -> L1Record:
    data = list(records.record().batches[number - 1].submission.data)
    data[place] = change(data[place])
    return records.with_batch(number, data=tuple(data))


def _submission(number: int, field: str) -> int:
    return int(getattr(records.record().batches[number - 1].submission, field))


def _plus_one(number: int, field: str) -> L1Record:
    return records.with_batch(number, **{field: _submission(number, field) + 1})


def _flipped_proof(number: int) -> L1Record:
    proof = records.record().batches[number - 1].submission.proof_bytes
    other = records.KEY.prove(range(7))
    return records.with_batch(number, proof_bytes=other[:128] + proof[128:])


def _other_ops() -> L1Record:
    ops = records.record().batches[0].submission.ops
    return records.with_batch(1, ops=(replace(ops[0], amount_ntok=1), ops[1]))


def _forged_queue() -> L1Record:
    """Event, calldata and data agree on another amount; only the contract's hash does not."""
    lied = replace(records.record().ops[0], amount_ntok=1)
    ops = (lied, records.record().ops[1])
    return replace(records.with_batch(1, ops=ops), ops=(*ops, *records.record().ops[2:]))


def _payouts(number: int, change: int) -> L1Record:
    (payout,) = records.record().batches[number - 1].submission.payouts
    more = replace(payout, amount_ntok=payout.amount_ntok + change)
    return records.with_batch(number, payouts=(more,))


LIES: dict[str, tuple[Callable[[], L1Record], int, str]] = {
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
        lambda: replace(records.record(), block_times=(records.START + 9,) * 5),
        1,
        "time",
    ),
    "time long before the block": (
        lambda: replace(records.record(), block_times=(records.START + 7_211,) * 5),
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
    "a root not chained": (lambda: _plus_one(3, "old_root"), 3, "evaluations"),
    "another new root": (lambda: _plus_one(3, "new_root"), 3, "evaluations"),
    "L1 stands elsewhere": (lambda: replace(records.record(), state_root=1), 5, "roots"),
    "another proof": (lambda: _flipped_proof(2), 2, "proof, by py_arkworks"),
    "another key": (
        lambda: replace(records.record(), key=SimulatedKey(seed=2).key),
        1,
        "proof, by py_arkworks",
    ),
}


@pytest.mark.parametrize(("lie", "batch", "step"), LIES.values(), ids=LIES.keys())
def test_a_lie_fails_at_its_own_check(lie: Callable[[], L1Record], batch: int, step: str) -> None:
    with pytest.raises(VerificationFailed) as caught:
        list(verify(lie(), [batch]))
    assert (caught.value.batch, caught.value.step) == (batch, step)
    assert str(caught.value).startswith(f"batch {batch}: {step}: ")


@pytest.mark.parametrize("step", [step for step, _ in PROOF_CHECKS])
def test_each_library_alone_refuses_a_wrong_proof(step: str) -> None:
    lied, check = _flipped_proof(2), dict(PROOF_CHECKS)[step]
    with pytest.raises(Exception, match=r"pairing equation"):
        check(lied, lied.batches[1])
    assert check(records.record(), records.record().batches[1])


def test_a_lie_in_an_earlier_batch_is_found_from_a_later_one() -> None:
    with pytest.raises(VerificationFailed, match="batch 2: digest"):
        list(verify(_plus_one(2, "digest"), [5]))


def test_the_key_survives_the_way_to_the_contract_and_back() -> None:
    assert contract_key(from_contract_key(records.KEY.key)) == records.KEY.key


def test_batches_are_chosen_by_number_or_all() -> None:
    whole = records.record()
    assert chosen(whole, "all") == range(1, 6)
    assert chosen(whole, "3") == range(3, 4)
    for wrong in ("0", "6", "-1", "two", "1.0", ""):
        with pytest.raises(BadChoice, match="name one of 1 to 5"):
            chosen(whole, wrong)
    with pytest.raises(BadChoice, match="no batch"):
        chosen(replace(whole, batches=()), "all")


def test_a_record_without_batches_is_the_genesis_state() -> None:
    assert rebuild_state(records.record(), 0).root == State().root
