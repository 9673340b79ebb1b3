from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.batch import Shape
from protocol.queue import Deposit
from sequencer.due import EXPIRY_MARGIN_S, Waits, is_due
from sequencer.sealing import SealingPolicy
from sequencer.soft import Pending, context_at, due_ops
from tests.protocol.street import ANNA, DOMAIN, NOW, signed, transfer

POLICY = SealingPolicy(maximum_age_s=20, sealed_ahead=2, proofs_per_batch=2)
SHAPE = Shape(queue_slots=2, user_slots=3)
TRANSACTION = signed(transfer(), ANNA)


def ops(*enqueue_times: int) -> list[Deposit]:
    return [Deposit(i + 1, at, 0, 5, 7) for i, at in enumerate(enqueue_times)]


def pending(count: int, ops_before: int = 0) -> list[Pending]:
    return [Pending(f"{i}", i, TRANSACTION, ops_before, 0.0) for i in range(count)]


@pytest.mark.parametrize(
    ("op_count", "transaction_count", "age_s", "waiting", "due"),
    [
        (0, 0, 99, 0, False),  # nothing waits
        (0, 1, 19, 0, False),  # young
        (0, 1, 20, 0, True),  # old enough
        (1, 0, 20, 0, True),
        (2, 0, 0, 0, True),  # queue slots full
        (0, 3, 0, 0, True),  # user slots full
        (0, 2, 99, 1, False),  # the prover is busy: goes on filling
        (2, 0, 99, 1, False),
        (0, 5, 99, 1, False),  # the second proof has room
        (0, 6, 0, 1, True),  # all its proofs are full: sealed ahead
        (0, 6, 0, 2, False),  # far enough ahead
    ],
)
def test_a_batch_is_sealed_when_full_or_old_and_the_prover_has_room(
    op_count: int, transaction_count: int, age_s: float, waiting: int, due: bool
) -> None:
    given = ops(*[NOW] * op_count)
    waits = Waits(oldest_s=age_s)
    assert is_due(POLICY, SHAPE, given, pending(transaction_count), waits, waiting) is due


PATIENT = replace(POLICY, patient_above_wei=50, patient_age_s=900, patient_op_age_s=3_600)


@pytest.mark.parametrize(
    ("op_count", "transaction_count", "waits", "waiting", "due"),
    [
        (0, 3, Waits(), 0, False),  # one proof is full, the second has room
        (2, 0, Waits(oldest_s=99), 0, False),  # and so are its queue slots
        (0, 6, Waits(), 0, True),  # full
        (0, 6, Waits(), 2, False),  # far enough ahead
        (0, 1, Waits(oldest_s=899, transaction_s=899), 0, False),
        (0, 1, Waits(oldest_s=900, transaction_s=900), 0, True),  # users wait no longer
        (0, 1, Waits(oldest_s=900, transaction_s=900), 1, False),  # but for the prover
        (1, 0, Waits(oldest_s=9_999, op_s=3_599), 0, False),
        (1, 0, Waits(oldest_s=9, op_s=3_600), 0, True),  # nor does the queue, by L1's time
        (0, 1, Waits(expires_in_s=EXPIRY_MARGIN_S + 1), 0, False),
        (0, 1, Waits(expires_in_s=EXPIRY_MARGIN_S), 0, True),  # or it would expire
        (0, 0, Waits(), 0, False),
    ],
)
def test_while_l1_is_dear_a_batch_waits_until_it_is_full_or_something_cannot_wait(
    op_count: int, transaction_count: int, waits: Waits, waiting: int, due: bool
) -> None:
    given = ops(*[NOW] * op_count)
    some = pending(transaction_count)
    assert is_due(PATIENT, SHAPE, given, some, waits, waiting, base_fee_wei=51) is due
    if due is False and transaction_count < 6 and (op_count or transaction_count) and not waiting:
        old = replace(waits, oldest_s=20.0)
        assert is_due(PATIENT, SHAPE, given, some, old, waiting, base_fee_wei=50), "cheap enough"
        assert is_due(POLICY, SHAPE, given, some, old, waiting, base_fee_wei=51), "never patient"


@pytest.mark.parametrize(
    ("enqueue_times", "due", "covered"),
    [
        ((), 0, NOW),
        ((NOW - 5,), 1, NOW),
        ((NOW - 5, NOW), 2, NOW),
        ((NOW - 5, NOW - 4, NOW - 3), 2, NOW - 3),
        ((NOW - 5, NOW + 1), 1, NOW),
        ((NOW + 1,), 0, NOW),
    ],
)
def test_ops_and_coverage_are_what_the_contract_computes(
    enqueue_times: tuple[int, ...], due: int, covered: int
) -> None:
    given = ops(*enqueue_times)
    assert len(due_ops(given, NOW, SHAPE.queue_slots)) == due
    context = context_at(DOMAIN, NOW, given, SHAPE.queue_slots)
    assert (context.l1_time, context.queue_covered) == (NOW, covered)
