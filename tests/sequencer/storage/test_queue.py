"""Queue ops of every kind are read back from the database as they were written."""

from __future__ import annotations

import json

import pytest

from protocol.queue import QueueOp
from sequencer.storage import queue
from tests.vectors import generate


@pytest.mark.parametrize("op", generate.queue_ops(), ids=lambda op: f"{op.number} {op.TYPE.name}")
def test_an_op_survives_its_row(op: QueueOp) -> None:
    text = json.dumps(queue.op_to_json(op))
    assert queue.op_of(op.number, text) == op
