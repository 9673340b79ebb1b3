"""The queue slot: for every op and old leaf the executor's outcome."""

from __future__ import annotations

import pytest

from protocol.queue import OpType
from prover.circuits.queue_slot import ELEMENTS, queue_slot
from prover.r1cs.engine import solve
from prover.r1cs.errors import BrokenConstraint
from tests.prover.circuits.lone import check, exports_of, failing, values_of
from tests.prover.circuits.queue_cases import APPLIED, NO_OPS, QUEUE_CASES


@pytest.mark.parametrize("name", QUEUE_CASES)
def test_each_op_has_the_executors_outcome(name: str) -> None:
    case = QUEUE_CASES[name]()
    check(queue_slot(), case.inputs)
    trace = case.trace
    paid_out = trace.withdrawal.element() if trace and trace.withdrawal else 0
    elements = (*(trace.op.elements() if trace else (0,) * 7), paid_out)
    assert exports_of(queue_slot(), case.inputs) == {
        "accounts": case.after.accounts_root,
        "channels": case.after.channels_root,
        "used": int(trace is not None),
        **{f"element/{i}": elements[i] for i in range(ELEMENTS)},
    }
    if name in NO_OPS:
        assert case.after.root == case.before.root


def test_the_plain_tape_agrees() -> None:
    """What the compiled tape computes for a voucher, every value of it."""
    inputs = QUEUE_CASES["claim ab"]().inputs
    assert solve(queue_slot(), inputs) == values_of(queue_slot(), inputs)


def test_the_cases_cover_every_op_and_no_op() -> None:
    for cases, applied in ((APPLIED, True), (NO_OPS, False)):
        traces = [make().trace for make in cases.values()]
        seen = {(trace.op.TYPE, trace.applied) for trace in traces if trace}
        assert seen == {(op, applied) for op in OpType if op}


def test_another_op_fits_the_same_inputs_only_where_it_means_something_too() -> None:
    """A DEPOSIT of nothing, say; L1 knows which it was, by element 0."""
    fitting = set()
    for name in ("unused", "deposit", "key change", "start close b", "claim ab", "finalize"):
        inputs = QUEUE_CASES[name]().inputs
        for op in set(OpType) - {OpType(inputs["kind/type"])}:
            try:
                check(queue_slot(), {**inputs, "kind/type": int(op)})
            except BrokenConstraint:
                continue
            fitting.add((name, op.name))
    assert fitting == {("deposit", "NEW_ACCOUNT")}  # of key 0, at an index that is taken


@pytest.mark.parametrize("number", [8, 9, 15, 2**254])
def test_ops_that_do_not_exist_satisfy_nothing(number: int) -> None:
    inputs = QUEUE_CASES["unused"]().inputs | {"kind/type": number}
    assert "kind/bits add up" in failing(queue_slot(), inputs)
