"""Queue ops read back from L1 are the ops that were enqueued, or nothing."""

from __future__ import annotations

import pytest

from contracts.queue_ops import queue_op_from
from protocol.queue import QueueOp
from tests.vectors import generate


@pytest.mark.parametrize("op", generate.queue_ops(), ids=lambda op: op.TYPE.name)
def test_ops_are_read_back_from_their_elements_and_nothing_else_is(op: QueueOp) -> None:
    assert queue_op_from(op.number, op.elements(), op.payer) == op
    for i in range(7):
        for bit in (0, 7, 32, 112, 161, 250):
            changed = [*op.elements()]
            changed[i] ^= 1 << bit
            other = queue_op_from(op.number, changed, op.payer)
            assert other != op
            assert other is None or other.elements() == tuple(changed)
