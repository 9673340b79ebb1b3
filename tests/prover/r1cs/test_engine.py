from __future__ import annotations

from random import Random

import pytest

from protocol.crypto.field import R
from prover.r1cs.builder import Builder
from prover.r1cs.engine import evaluate, failure_after, failure_at, first_failure, solve
from prover.r1cs.errors import ConstraintFailed, WrongInputs
from prover.r1cs.template import Template
from tests.prover.mutation import record
from tests.prover.r1cs.random_template import random_inputs, random_template


def chain(b: Builder) -> None:
    x = b.input("x")
    inverse = b.hint_quotient(1, x, label="inverse")
    b.enforce_product(x, inverse, 1, label="x has an inverse")
    square = b.mul(inverse, inverse, label="square")
    b.enforce_equal(square, b.input("expected"), label="as expected")


CHAIN = record(chain)
GOOD = {"x": 2, "expected": pow(4, -1, R)}


def test_the_first_failing_constraint_is_named() -> None:
    with pytest.raises(ConstraintFailed, match=r"constraint as expected .row 2. fails") as caught:
        solve(CHAIN, GOOD | {"expected": 1})
    assert (caught.value.row, caught.value.b, caught.value.c) == (2, 1, 0)
    with pytest.raises(ConstraintFailed, match="x has an inverse"):
        solve(CHAIN, {"x": 0, "expected": 0})


def test_a_step_computes_what_its_op_says() -> None:
    def build(b: Builder) -> None:
        x = b.input("x")
        quotients = b.hint_quotient(x, 3), b.hint_quotient(5, x)
        bits = b.hint_bits(x - 1, 3, low=253)
        for wire in (*quotients, *bits, b.hint_product(x, x, 7)):
            b.enforce_product(wire, x, x)

    template = record(build)
    assert evaluate(template, {"x": 0})[2:] == [0, 0, 1, 1, 0, 7]  # r - 1 has bits 253 and 254
    assert evaluate(template, {"x": 3})[2:] == [1, 5 * pow(3, -1, R) % R, 0, 0, 0, 16]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": 1}, "missing: expected"),
        ({"x": 1, "expected": 1, "y": 1}, "unknown: y"),
        ({"x": R, "expected": -1}, "not a field element: x, expected"),
    ],
)
def test_wrong_inputs_are_named(inputs: dict[str, int], message: str) -> None:
    with pytest.raises(WrongInputs, match=message):
        evaluate(CHAIN, inputs)


def test_an_override_is_followed_downstream_and_a_changed_list_is_not() -> None:
    place = {name: i for i, name in enumerate(CHAIN.value_names)}
    values = solve(CHAIN, GOOD)
    follow = evaluate(CHAIN, GOOD, {place["inverse"]: 5})
    assert follow[place["square"]] == 25
    failure = first_failure(CHAIN, follow)
    assert failure is not None
    assert failure.constraint == "x has an inverse"
    values[place["square"]] += 1
    failure = failure_at(CHAIN, values, place["square"])
    assert failure is not None
    assert failure.constraint == "square"
    assert failure_at(CHAIN, values, place["x"]) is None


def failures(template: Template, values: list[int]) -> set[int]:
    """All failing rows, found in the slowest way."""
    found = set()
    for number, row in enumerate(template.rows):
        a, b, c = (sum(k * values[w] for w, k in t.items()) for t in (row.a, row.b, row.c))
        if (a * b - c) % R:
            found.add(number)
    return found


def test_following_a_mutation_finds_a_failure_exactly_where_a_full_run_does() -> None:
    random = Random(11)
    for seed in range(20):
        template = random_template(seed)
        inputs = random_inputs(template, seed)
        values = solve(template, inputs)
        for index in range(1, template.n_values):
            overrides = {index: random.choice([0, 1, values[index] + 1]) % R}
            expected = failures(template, evaluate(template, inputs, overrides))
            failure = failure_after(template, values, overrides)
            assert (failure is None) == (not expected)
            assert failure is None or failure.row in expected
