from __future__ import annotations

from itertools import product

import pytest

from protocol.crypto.field import R
from prover.gadgets.bits import input_bit, input_uint
from prover.gadgets.select import (
    enforce_equal_if,
    is_both,
    is_either,
    is_exactly_one,
    masked,
    mux4,
    select,
    swap,
)
from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from prover.r1cs.lc import FALSE, TRUE, Uint
from tests.prover.mutation import assert_every_value_is_bound, first_failing, record

VALUES = {"x": R - 1, "y": 7}


@pytest.mark.parametrize("bit", [0, 1])
def test_select_mask_and_swap(bit: int) -> None:
    def build(b: Builder) -> None:
        choice, x, y = input_bit(b, "bit"), b.input("x"), b.input("y")
        b.export("selected", select(b, choice, x, y))
        b.export("masked", masked(b, choice, x))
        first, second = swap(b, choice, x, y)
        b.export("first", first)
        b.export("second", second)

    template = record(build)
    values = solve(template, {"bit": bit, **VALUES})
    got = {name: values[wire] for name, wire in template.exports.items()}
    x, y = VALUES["x"], VALUES["y"]
    assert got == {
        "selected": x if bit else y,
        "masked": x if bit else 0,
        "first": y if bit else x,
        "second": x if bit else y,
    }
    assert_every_value_is_bound(template, {"bit": bit, **VALUES})


def test_a_choice_of_uints_is_a_uint_of_the_wider_width() -> None:
    b = Builder("test")
    bit, x, y = input_bit(b, "bit"), input_uint(b, "x", 8), input_uint(b, "y", 40)
    chosen: Uint = select(b, bit, x, y)
    assert chosen.bits == 40
    assert masked(b, bit, x).bits == 8


@pytest.mark.parametrize(("low", "high"), list(product((0, 1), repeat=2)))
def test_mux4_takes_the_value_at_its_place(low: int, high: int) -> None:
    def build(b: Builder) -> None:
        places = input_bit(b, "low"), input_bit(b, "high")
        b.export("chosen", mux4(b, *places, b.inputs("v", 4)))

    template = record(build)
    inputs = {"low": low, "high": high, **{f"v/{i}": 10 + i for i in range(4)}}
    assert solve(template, inputs)[template.exports["chosen"]] == 10 + low + 2 * high
    # The two values that stand where `low` is not are multiplied by 0: they may be anything.
    free = {f"v/{i}" for i in range(4) if i & 1 != low}
    for name in free:
        assert first_failing(template, inputs | {name: 99}) is None
    assert_every_value_is_bound(template, inputs, statement=free)


@pytest.mark.parametrize(("x", "y"), list(product((0, 1), repeat=2)))
def test_logic_of_bits(x: int, y: int) -> None:
    def build(b: Builder) -> None:
        p, q = input_bit(b, "x"), input_bit(b, "y")
        b.export("both", is_both(b, p, q))
        b.export("either", is_either(b, p, q))
        b.export("one", is_exactly_one(b, p, q))
        b.export("not x", ~p)

    template = record(build)
    values = solve(template, {"x": x, "y": y})
    got = [values[template.exports[name]] for name in ("both", "either", "one", "not x")]
    assert got == [x & y, x | y, x ^ y, 1 - x]
    assert_every_value_is_bound(template, {"x": x, "y": y})


def test_equality_is_demanded_only_where_the_bit_is_set() -> None:
    template = record(
        lambda b: enforce_equal_if(b, input_bit(b, "bit"), b.input("x"), b.input("y"))
    )
    solve(template, {"bit": 0, "x": 1, "y": 2})
    solve(template, {"bit": 1, "x": R - 1, "y": R - 1})
    failure = first_failing(template, {"bit": 1, "x": 1, "y": 2})
    assert failure is not None
    assert failure.constraint == "equal if"


def test_constant_choices_are_folded() -> None:
    b = Builder("test")
    x, y = b.inputs("v", 2)
    assert select(b, TRUE, x, y).terms == x.terms
    assert select(b, FALSE, x, y).terms == y.terms
    enforce_equal_if(b, FALSE, x, y)
    assert b.n_constraints == 0
