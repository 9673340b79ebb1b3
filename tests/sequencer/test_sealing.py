from __future__ import annotations

import pytest

from protocol.batch import Shape
from protocol.queue import Deposit
from sequencer.sealing import SealingPolicy, is_due
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
    assert is_due(POLICY, SHAPE, given, pending(transaction_count), age_s, waiting) is due


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
