from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from protocol.crypto.field import R
from prover.gadgets.bits import input_uint, unsafe_uint
from prover.gadgets.compare import (
    enforce_at_most,
    enforce_difference,
    enforce_less,
    enforce_nonzero,
    enforce_sum,
    is_at_most,
    is_equal,
    is_less,
    is_zero,
    product_of,
    sum_of,
)
from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from prover.r1cs.lc import Lc, Uint
from tests.prover.mutation import assert_every_value_is_bound, first_failing, output, record

WIDTH = 64
EDGES = (0, 1, 2, (1 << 63), (1 << WIDTH) - 2, (1 << WIDTH) - 1)
PAIRS = list(product(EDGES, EDGES))


def of_two(gadget: Callable[[Builder, Uint, Uint], Lc | None]) -> Callable[[Builder], None]:
    def build(b: Builder) -> None:
        result = gadget(b, input_uint(b, "x", WIDTH), input_uint(b, "y", WIDTH))
        if result is not None:
            b.export("result", result)

    return build


def given(x: int, y: int) -> dict[str, int]:
    return {"x/value": x, "y/value": y}


def test_is_zero_at_the_edges_of_the_field() -> None:
    template = record(lambda b: b.export("result", is_zero(b, b.input("x"))))
    for value in (0, 1, 2, R - 1):
        assert output(template, {"x": value}, "result") == int(value == 0)
    assert_every_value_is_bound(template, {"x": 5})
    assert_every_value_is_bound(template, {"x": 0}, free=["is zero inverse"])


def test_is_equal_of_field_elements() -> None:
    template = record(lambda b: b.export("result", is_equal(b, b.input("x"), b.input("y"))))
    for x, y in product((0, 1, R - 1, 7), repeat=2):
        assert output(template, {"x": x, "y": y}, "result") == int(x == y)
    assert_every_value_is_bound(template, {"x": 1, "y": R - 1})


def test_comparison_with_constants_is_folded() -> None:
    b = Builder("test")
    assert (is_zero(b, 0).constant, is_zero(b, 3).constant) == (1, 0)
    assert b.n_constraints == 0


def test_enforce_nonzero_refuses_0_only() -> None:
    template = record(lambda b: enforce_nonzero(b, b.input("x")))
    for value in (1, R - 1):
        assert_every_value_is_bound(template, {"x": value})
    failure = first_failing(template, {"x": 0})
    assert failure is not None
    assert failure.constraint == "nonzero"


@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_order_is_that_of_the_integers(x: int, y: int) -> None:
    less, at_most = LESS, AT_MOST
    assert output(less, given(x, y), "result") == int(x < y)
    assert output(at_most, given(x, y), "result") == int(x <= y)
    assert (first_failing(ENFORCED_LESS, given(x, y)) is None) == (x < y)
    assert (first_failing(ENFORCED_AT_MOST, given(x, y)) is None) == (x <= y)


LESS = record(of_two(is_less))
AT_MOST = record(of_two(is_at_most))
ENFORCED_LESS = record(of_two(enforce_less))
ENFORCED_AT_MOST = record(of_two(enforce_at_most))


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, 5), (5, 3), (0, (1 << WIDTH) - 1)])
def test_every_value_of_a_comparison_is_bound(x: int, y: int) -> None:
    assert_every_value_is_bound(LESS, given(x, y), statement=given(x, y))


def test_operands_of_different_width_are_compared_by_the_wider() -> None:
    def build(b: Builder) -> None:
        b.export("result", is_less(b, input_uint(b, "x", 8), input_uint(b, "y", 40)))

    template = record(build)
    assert output(template, given(255, 1 << 39), "result") == 1
    assert output(template, given(255, 254), "result") == 0
    assert len(template.rows) == 8 + 40 + 41  # the ranges, the comparison


@pytest.mark.parametrize(("x", "y"), PAIRS)
def test_a_difference_must_not_be_negative(x: int, y: int) -> None:
    failure = first_failing(DIFFERENCE, given(x, y))
    if x >= y:
        assert failure is None
        assert output(DIFFERENCE, given(x, y), "result") == x - y
    else:
        assert failure is not None
        assert failure.constraint == "difference/bit0 is a bit"


DIFFERENCE = record(of_two(enforce_difference))


def test_a_sum_must_stay_in_its_width() -> None:
    template = record(of_two(lambda b, x, y: enforce_sum(b, x, y, WIDTH)))
    top = (1 << WIDTH) - 1
    for x, y in ((0, 0), (top, 0), (top - 1, 1)):
        assert output(template, given(x, y), "result") == x + y
    failure = first_failing(template, given(top, 1))
    assert failure is not None
    assert failure.constraint == "sum/bit0 is a bit"


def test_a_sum_that_cannot_overflow_costs_nothing() -> None:
    b = Builder("test")
    x, y = (input_uint(b, name, 8) for name in "xy")
    before = b.n_constraints
    assert enforce_sum(b, x, y, 9).bits == 9
    assert sum_of(x, y).bits == 9
    assert b.n_constraints == before


def test_a_product_is_as_wide_as_its_factors() -> None:
    def build(b: Builder) -> None:
        area = product_of(b, input_uint(b, "x", 40), input_uint(b, "y", 32))
        assert area.bits == 72
        b.export("result", area)

    template = record(build)
    for x, y in ((0, 1), ((1 << 40) - 1, (1 << 32) - 1)):
        assert solve(template, given(x, y))[template.exports["result"]] == x * y


def test_results_that_could_wrap_around_r_are_refused() -> None:
    b = Builder("test")
    x = unsafe_uint(b.input("x"), 252)
    with pytest.raises(ValueError, match="may wrap"):
        sum_of(x, x)
    with pytest.raises(ValueError, match="may wrap"):
        product_of(b, x, x)
