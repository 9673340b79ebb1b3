from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto.field import R
from prover.gadgets.bits import (
    enforce_bit,
    enforce_bits,
    enforce_bits_below,
    enforce_canonical_bits,
    enforce_uint,
    input_bit,
    input_uint,
    is_bits_below,
    pack,
    uint_of_bits,
    unsafe_uint,
)
from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from prover.r1cs.errors import ConstraintFailed
from prover.r1cs.lc import Uint
from prover.r1cs.template import Template
from tests.prover.mutation import assert_every_value_is_bound, first_failing, output, record


def test_a_bit_is_0_or_1_and_nothing_else() -> None:
    template = record(lambda b: enforce_bit(b, b.input("x")))
    for value in (0, 1):
        solve(template, {"x": value})
    for value in (2, R - 1, R // 2):
        failure = first_failing(template, {"x": value})
        assert failure is not None
        assert failure.constraint == "is a bit"


def test_a_constant_that_is_no_bit_is_refused_when_the_circuit_is_written() -> None:
    assert enforce_bit(Builder("test"), 1).constant == 1
    with pytest.raises(ValueError, match="2 is no constant of 1 bits"):
        enforce_bit(Builder("test"), 2)


@pytest.mark.parametrize("width", [1, 2, 24, 64, 252])
def test_a_range_holds_at_its_ends_and_fails_beyond(width: int) -> None:
    template = record(lambda b: input_uint(b, "x", width))
    for value in (0, 1, (1 << width) - 1):
        solve(template, {"x/value": value})
    for value in (1 << width, R - 1):
        with pytest.raises(ConstraintFailed, match="bit0 is a bit"):
            solve(template, {"x/value": value})
    assert len(template.rows) == width


@pytest.mark.parametrize("value", [0, 1, 0b1011, 255])
def test_every_value_of_a_range_check_is_bound(value: int) -> None:
    template = record(lambda b: enforce_uint(b, b.input("x"), 8))
    assert_every_value_is_bound(template, {"x": value}, statement=["x"])


@pytest.mark.parametrize("width", [1, 12, 252])
def test_bits_are_those_of_the_integer(width: int) -> None:
    def build(b: Builder) -> None:
        for i, bit in enumerate(enforce_bits(b, b.input("x"), width)):
            b.export(f"bit/{i}", bit)

    template = record(build)
    for value in (0, 1, (1 << width) - 1, 0xA5A5A5 % (1 << width)):
        values = solve(template, {"x": value})
        bits = [values[template.exports[f"bit/{i}"]] for i in range(width)]
        assert sum(bit << i for i, bit in enumerate(bits)) == value
    for value in (1 << width, R - 1):
        failure = first_failing(template, {"x": value})
        assert failure is not None
        assert failure.constraint == "bits add up"


def test_every_bit_is_bound() -> None:
    assert_every_value_is_bound(record(lambda b: enforce_bits(b, b.input("x"), 12)), {"x": 0xA5F})


def test_packing_puts_parts_side_by_side_and_adds_their_widths() -> None:
    def build(b: Builder) -> None:
        low, flag, high = input_uint(b, "low", 8), input_bit(b, "flag"), input_uint(b, "high", 40)
        packed = pack(low, flag, high)
        assert packed.bits == 49
        b.export("packed", packed)

    inputs = {"low/value": 0xFF, "flag": 1, "high/value": 0x1234567890}
    assert output(record(build), inputs, "packed") == 0xFF | 1 << 8 | 0x1234567890 << 9


def test_widths_that_could_wrap_around_r_are_refused() -> None:
    b = Builder("test")
    x = b.input("x")
    for width in (0, 253):
        with pytest.raises(ValueError, match=f"a width of {width} bits"):
            enforce_uint(b, x, width)
        with pytest.raises(ValueError, match=f"a width of {width} bits"):
            unsafe_uint(x, width)
    with pytest.raises(ValueError, match="do not fit one field element"):
        pack(unsafe_uint(x, 200), unsafe_uint(x, 55))


@pytest.mark.parametrize("value", [0, 1, 2**254, R - 1, R - 2, 2**255 - 1 - R])
def test_canonical_bits_are_those_of_the_integer_below_r(value: int) -> None:
    def build(b: Builder) -> None:
        bits = enforce_canonical_bits(b, b.input("x"))
        b.export("low", uint_of_bits(bits[:128]))
        b.export("high", uint_of_bits(bits[128:]))

    template = record(build)
    values = solve(template, {"x": value})
    low, high = (values[template.exports[name]] for name in ("low", "high"))
    assert low + (high << 128) == value


def test_every_canonical_bit_is_bound() -> None:
    template = record(lambda b: enforce_canonical_bits(b, b.input("x")))
    value = R - (5 << 100)  # of its chunks only number 3 differs from r's
    equal = [f"below r/turn{i} hint" for i in (7, 6, 5, 4, 2, 1)]
    assert_every_value_is_bound(template, {"x": value}, free=equal)


BOUNDS = [
    1,
    2,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    0xFFFFFFFF << 32,
    1 << 40,
    (1 << 72) - 1,
]


@pytest.mark.parametrize("bound", BOUNDS)
def test_bits_below_a_bound_are_accepted_exactly_below_it(bound: int) -> None:
    width = 72

    def build(b: Builder) -> None:
        enforce_bits_below(b, enforce_bits(b, b.input("x"), width), bound)

    template = record(build)
    near = {bound - 1, bound, bound + 1, 0, 1, (1 << width) - 1, bound ^ 1, bound ^ 1 << 40}
    for value in {x for x in near if 0 <= x < 1 << width}:
        assert (first_failing(template, {"x": value}) is None) == (value < bound), value


def below(bound: int, width: int) -> Template:
    def build(b: Builder) -> None:
        b.export("below", is_bits_below(b, enforce_bits(b, b.input("x"), width), bound))

    return record(build)


@pytest.mark.parametrize("bound", BOUNDS)
def test_the_bit_says_whether_bits_are_below_a_bound(bound: int) -> None:
    template = below(bound, 72)
    near = {bound - 1, bound, bound + 1, 0, 1, (1 << 72) - 1, bound ^ 1, bound ^ 1 << 40}
    for value in {x for x in near if 0 <= x < 1 << 72}:
        assert output(template, {"x": value}, "below") == (value < bound), value


@pytest.mark.parametrize("x", [0, (3 << 64) - 1, 3 << 64, (3 << 64) + 1, 4 << 64, (1 << 72) - 1])
def test_every_value_of_that_bit_is_bound(x: int) -> None:
    bound = 3 << 64
    equal = [i for i in (1, 2) if not (x ^ bound) >> 32 * i & 0xFFFFFFFF]
    free = [f"below/turn{i} hint" for i in equal]
    assert_every_value_is_bound(below(bound, 72), {"x": x}, free=free)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, (1 << 96) - 1), st.integers(0, (1 << 96) - 1), st.integers(0, 3))
def test_bits_below_any_bound_compare_integers(bound: int, value: int, shared: int) -> None:
    """With the `shared` highest chunks of 32 bits equal, so that lower ones decide."""
    low = 96 - 32 * shared
    value = bound >> low << low | value & (1 << low) - 1

    def build(b: Builder) -> None:
        enforce_bits_below(b, enforce_bits(b, b.input("x"), 96), bound)

    assert (first_failing(record(build), {"x": value}) is None) == (value < bound)
    assert output(below(bound, 96), {"x": value}, "below") == (value < bound)


def test_a_bound_that_all_or_no_bits_are_below_is_refused() -> None:
    b = Builder("test")
    bits = enforce_bits(b, b.input("x"), 4)
    for bound in (0, 16):
        with pytest.raises(ValueError, match="always or never"):
            enforce_bits_below(b, bits, bound)


def test_a_literal_has_the_width_that_it_needs() -> None:
    assert Uint.literal(5).bits == 3
    with pytest.raises(ValueError, match="no constant of 2 bits"):
        Uint.literal(4, 2)
