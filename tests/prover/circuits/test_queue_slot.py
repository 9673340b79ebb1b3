"""The queue slot: for every op and old leaf the executor's outcome."""

from __future__ import annotations

import pytest

from protocol.queue import OpType
from prover.circuits.queue_slot import ELEMENTS, queue_slot
from prover.r1cs.engine import solve
from tests.prover.circuits.cases import QUEUE_CASES
from tests.prover.circuits.lone import check


@pytest.mark.parametrize("name", QUEUE_CASES)
def test_each_op_has_the_executors_outcome(name: str) -> None:
    case = QUEUE_CASES[name]()
    values = solve(queue_slot(), case.inputs)
    exports = {name: values[wire] for name, wire in queue_slot().exports.items()}
    elements = case.trace.op.elements() if case.trace else (0,) * 7
    assert exports == {
        "accounts": case.after,
        "used": int(case.trace is not None),
        **{f"element/{i}": elements[i] for i in range(ELEMENTS)},
    }
    assert not any(elements[ELEMENTS:])


@pytest.mark.parametrize("name", QUEUE_CASES)
def test_the_compiled_slot_agrees(name: str) -> None:
    check(queue_slot(), QUEUE_CASES[name]().inputs)


def test_the_cases_cover_every_op_and_no_op() -> None:
    traces = [make().trace for make in QUEUE_CASES.values()]
    seen = {(trace.op.TYPE, trace.applied) for trace in traces if trace}
    assert seen == {(op, on) for op in (OpType.NEW_ACCOUNT, OpType.DEPOSIT) for on in (0, 1)}
