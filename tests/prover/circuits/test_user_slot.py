"""The user slot: for every type the executor's outcome, and its committed size."""

from __future__ import annotations

import pytest

from protocol.transactions import TxType
from prover.circuits.user_slot import user_slot
from prover.r1cs.engine import solve
from prover.r1cs.errors import BrokenConstraint
from tests.prover.circuits.cases import USER_CASES
from tests.prover.circuits.lone import check, failing


@pytest.mark.parametrize("name", USER_CASES)
def test_each_type_has_the_executors_outcome(name: str) -> None:
    case = USER_CASES[name]()
    values = solve(user_slot(), case.inputs)
    exports = {name: values[wire] for name, wire in user_slot().exports.items()}
    trace = case.trace
    withdrawal = trace.withdrawal.element() if trace and trace.withdrawal else 0
    assert exports == {
        **case.nodes_after,
        "data": trace.data_element if trace else 0,
        "message": withdrawal,
        "fee": trace.fee_ntok if trace else 0,
    }


@pytest.mark.parametrize("name", USER_CASES)
def test_the_compiled_slot_agrees(name: str) -> None:
    check(user_slot(), USER_CASES[name]().inputs)


def test_the_cases_cover_every_type() -> None:
    traces = [make().trace for make in USER_CASES.values()]
    types = {trace.transaction.body.TYPE if trace else TxType.NOOP for trace in traces}
    assert types == set(TxType)


@pytest.mark.parametrize("number", range(9, 16))
def test_types_that_do_not_exist_satisfy_nothing(number: int) -> None:
    inputs = USER_CASES["noop"]().inputs | {"kind/type": number}
    assert "kind/a type that exists" in failing(user_slot(), inputs)


@pytest.mark.parametrize("name", USER_CASES)
def test_no_other_type_fits_the_same_inputs(name: str) -> None:
    inputs = USER_CASES[name]().inputs
    for number in set(range(16)) - {inputs["kind/type"]}:
        with pytest.raises(BrokenConstraint):
            check(user_slot(), {**inputs, "kind/type": number})
