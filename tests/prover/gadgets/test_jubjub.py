from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from protocol.crypto import jubjub as plain
from protocol.crypto.field import R
from protocol.crypto.jubjub import GENERATOR, IDENTITY, SUBGROUP_ORDER, Point
from prover.gadgets.bits import enforce_bits
from prover.gadgets.generator import MAX_WINDOWS, generator_multiple
from prover.gadgets.jubjub import (
    CurvePoint,
    add,
    double,
    enforce_on_curve,
    multiple,
    negate,
    on_curve_or_identity,
)
from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from prover.r1cs.template import Template
from tests.prover.mutation import assert_every_value_is_bound, first_failing, output, record


def _of_order_8() -> Point:
    """A point that generates the small subgroup: a curve point times the large prime order."""
    for y in range(2, 1000):
        point = plain.from_y(y, x_is_odd=False)
        if point is not None:
            small = plain.multiply(SUBGROUP_ORDER, point)
            if plain.multiply(4, small) != IDENTITY:
                return small
    raise AssertionError("there is a point of order 8")


SMALL = [plain.multiply(k, _of_order_8()) for k in range(8)]
LARGE = [GENERATOR, plain.multiply(5, GENERATOR), plain.multiply(SUBGROUP_ORDER - 1, GENERATOR)]
MIXED = [plain.add(GENERATOR, SMALL[1]), plain.add(LARGE[1], SMALL[4])]
POINTS = [*SMALL, *LARGE, *MIXED]


def input_point(b: Builder, name: str) -> CurvePoint:
    return enforce_on_curve(b, b.input(f"{name}.x"), b.input(f"{name}.y"), label=f"{name} on curve")


def given(**points: Point) -> dict[str, int]:
    return {f"{n}.{c}": v for n, p in points.items() for c, v in (("x", p.x), ("y", p.y))}


def of(gadget: Callable[[Builder], CurvePoint]) -> Template:
    def build(b: Builder) -> None:
        result = gadget(b)
        b.export("x", result.x)
        b.export("y", result.y)

    return record(build)


def point_of(template: Template, inputs: dict[str, int]) -> Point:
    values = solve(template, inputs)
    return Point(values[template.exports["x"]], values[template.exports["y"]])


SUM = of(lambda b: add(b, input_point(b, "p"), input_point(b, "q")))
TWICE = of(lambda b: double(b, input_point(b, "p")))
FIXED = of(lambda b: generator_multiple(b, enforce_bits(b, b.input("k"), 252)))
VARIABLE = of(lambda b: multiple(b, enforce_bits(b, b.input("k"), 128), input_point(b, "p")))
SHORT = of(lambda b: multiple(b, enforce_bits(b, b.input("k"), 4), input_point(b, "p")))


@pytest.mark.parametrize("point", [Point(0, 0), Point(1, 1), Point(R - 1, 5), Point(5, R - 1)])
def test_a_point_off_the_curve_fails(point: Point) -> None:
    assert not plain.is_on_curve(point)
    failure = first_failing(TWICE, given(p=point))
    assert failure is not None
    assert failure.constraint == "p on curve"


def or_identity(b: Builder) -> CurvePoint:
    point, on = on_curve_or_identity(b, b.input("p.x"), b.input("p.y"))
    b.export("on", on)
    return point


OR_IDENTITY = of(or_identity)
OFF_CURVE = [Point(0, 0), Point(1, 1), Point(R - 1, 5), Point(5, R - 1), Point(GENERATOR.y, 0)]


@pytest.mark.parametrize("point", [*POINTS, *OFF_CURVE, Point(GENERATOR.x, GENERATOR.y + 1)])
def test_a_point_off_the_curve_becomes_the_identity(point: Point) -> None:
    on = plain.is_on_curve(point)
    assert output(OR_IDENTITY, given(p=point), "on") == on
    assert point_of(OR_IDENTITY, given(p=point)) == (point if on else IDENTITY)


@pytest.mark.parametrize("point", [IDENTITY, GENERATOR, MIXED[0], *OFF_CURVE])
def test_every_value_of_that_choice_is_bound(point: Point) -> None:
    on = plain.is_on_curve(point)
    free = ["on curve inverse"] if on else []
    statement = set(given(p=point))  # another point may be on or off the curve as well
    assert_every_value_is_bound(OR_IDENTITY, given(p=point), free=free, statement=statement)


def test_sums_are_right_for_all_points_small_orders_included() -> None:
    for p in POINTS:
        for q in POINTS:
            assert point_of(SUM, given(p=p, q=q)) == plain.add(p, q)


def test_doubling_is_right_for_all_points() -> None:
    for p in POINTS:
        assert point_of(TWICE, given(p=p)) == plain.add(p, p)


def test_negation_gives_the_inverse() -> None:
    def build(b: Builder) -> CurvePoint:
        p = input_point(b, "p")
        return add(b, p, negate(p))

    template = of(build)
    for p in POINTS:
        assert point_of(template, given(p=p)) == IDENTITY


@pytest.mark.parametrize("p", [IDENTITY, SMALL[1], SMALL[4], GENERATOR, MIXED[0]])
def test_every_value_of_a_sum_and_a_doubling_is_bound(p: Point) -> None:
    statement = set(given(p=p, q=p)) if p in SMALL else set()  # x = 0 is on the curve for y and -y
    assert_every_value_is_bound(SUM, given(p=p, q=MIXED[1]), statement=statement)
    assert_every_value_is_bound(TWICE, given(p=p), statement=statement)


TOP = (1 << 252) - 1


@pytest.mark.parametrize("k", [0, 1, 7, 8, SUBGROUP_ORDER - 1, SUBGROUP_ORDER, TOP, 3 << 200])
def test_multiples_of_the_generator_are_right(k: int) -> None:
    assert point_of(FIXED, {"k": k}) == plain.multiply(k, GENERATOR)


@pytest.mark.parametrize("windows", [1, 2, 3, 84])
def test_every_digit_of_every_number_of_windows(windows: int) -> None:
    count = 3 * windows
    template = of(lambda b: generator_multiple(b, enforce_bits(b, b.input("k"), count)))
    random = Random(windows)
    for k in (*range(8), (1 << count) - 1, *(random.getrandbits(count) for _ in range(20))):
        k %= 1 << count
        assert point_of(template, {"k": k}) == plain.multiply(k, GENERATOR)


def test_a_slope_that_is_not_the_quotient_fails() -> None:
    """Each addition has one answer: the slope is bound, so that no other sum comes out."""
    names = [name for name in FIXED.value_names if name.endswith("/slope")]
    assert len(names) == MAX_WINDOWS - 2
    for name in (names[0], names[40], names[-1]):
        failure = first_failing(FIXED, {"k": 0x1234 << 200}, {name: 5})
        assert failure is not None
        assert failure.constraint == name


def test_no_sum_in_montgomerys_form_meets_its_exceptions() -> None:
    """What the module says: a odd, e even, a + e below l, for the widest sums there are."""
    for i in range(1, MAX_WINDOWS - 1):
        largest_sum = sum(15 << 3 * j for j in range(i))
        largest_entry = 15 << 3 * i
        assert largest_sum + largest_entry < 18 << 3 * i < SUBGROUP_ORDER


@pytest.mark.parametrize("k", [0, 1, 2, 3, 4, (1 << 128) - 1, (1 << 128) - 2, 0xD << 124, 1 << 127])
def test_multiples_of_any_point_are_right(k: int) -> None:
    for p in (IDENTITY, SMALL[1], SMALL[4], GENERATOR, MIXED[0]):
        assert point_of(VARIABLE, {"k": k, **given(p=p)}) == plain.multiply(k, p)


def test_all_short_multiples_are_right() -> None:
    for k in range(16):
        for p in POINTS:
            assert point_of(SHORT, {"k": k, **given(p=p)}) == plain.multiply(k, p)


def test_every_value_of_a_generator_multiple_is_bound() -> None:
    for k in (0x0123456789ABCDEF << 180 | 0xFEDCBA9876543210, 0):
        assert_every_value_is_bound(FIXED, {"k": k})


def test_every_value_of_a_multiple_is_bound() -> None:
    for k in (0x0123456789ABCDEFFEDCBA9876543210, 1):
        assert_every_value_is_bound(VARIABLE, {"k": k, **given(p=MIXED[0])})


def test_scalars_that_are_no_whole_windows_are_refused() -> None:
    b = Builder("test")
    bits = enforce_bits(b, b.input("k"), 5)
    with pytest.raises(ValueError, match="255 bits"):
        generator_multiple(b, [bits[0]] * 255)
    point = input_point(b, "p")
    with pytest.raises(ValueError, match="windows"):
        generator_multiple(b, bits)
    with pytest.raises(ValueError, match="pairs"):
        multiple(b, bits, point)
