"""Jubjub: the published curve, and a group law that is complete on all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto.field import R
from protocol.crypto.jubjub import (
    COFACTOR,
    GENERATOR,
    IDENTITY,
    SUBGROUP_ORDER,
    D,
    Point,
    add,
    from_y,
    in_subgroup,
    is_on_curve,
    is_small_order,
    multiply,
    multiply_plainly,
)

CURVE = json.loads((Path(__file__).parents[2] / "vectors" / "jubjub.json").read_text())
TORSION = Point(0, R - 1)  # of order two
scalars = st.integers(0, SUBGROUP_ORDER - 1)


def small_points() -> list[Point]:
    """All eight points whose order divides 8."""
    for y in range(2, 100):
        found = from_y(y, False)
        if found is not None:
            small = multiply_plainly(SUBGROUP_ORDER, found)
            if multiply_plainly(4, small) != IDENTITY:
                return [multiply_plainly(k, small) for k in range(8)]
    raise AssertionError("no point of order 8 found")


SMALL = small_points()


def test_the_curve_is_the_published_one() -> None:
    assert int(CURVE["d"], 16) == D
    assert int(CURVE["subgroup_order"], 16) == SUBGROUP_ORDER
    assert int(CURVE["field"], 16) == R
    assert CURVE["cofactor"] == COFACTOR
    assert Point(*(int(CURVE["generator"][c], 16) for c in "xy")) == GENERATOR
    assert is_on_curve(GENERATOR)


def test_the_formulas_are_complete_as_minus_one_is_a_square_and_d_is_none() -> None:
    assert pow(R - 1, (R - 1) // 2, R) == 1
    assert pow(D, (R - 1) // 2, R) == R - 1


def test_the_generator_has_prime_order() -> None:
    assert multiply(SUBGROUP_ORDER, GENERATOR) == IDENTITY
    assert in_subgroup(GENERATOR)
    assert not is_small_order(GENERATOR)


@settings(max_examples=25, deadline=None)
@given(scalars, scalars)
def test_multiplication_is_a_homomorphism(a: int, b: int) -> None:
    left = add(multiply(a, GENERATOR), multiply(b, GENERATOR))
    assert left == multiply((a + b) % SUBGROUP_ORDER, GENERATOR)


@pytest.mark.parametrize("point", [GENERATOR, IDENTITY, TORSION, *SMALL])
def test_identity_is_neutral_and_doubling_is_adding(point: Point) -> None:
    assert is_on_curve(point)
    assert add(point, IDENTITY) == point == add(IDENTITY, point)
    assert add(point, point) == multiply(2, point)
    assert add(point, Point(-point.x % R, point.y)) == IDENTITY
    assert multiply(0, point) == IDENTITY
    assert multiply(1, point) == point


def test_the_small_points_are_eight_and_only_the_identity_is_in_the_subgroup() -> None:
    assert len(set(SMALL)) == 8
    assert all(is_small_order(point) for point in SMALL)
    assert [in_subgroup(point) for point in SMALL] == [True] + [False] * 7
    mixed = add(GENERATOR, SMALL[1])
    assert is_on_curve(mixed)
    assert not in_subgroup(mixed)
    assert not is_small_order(mixed)


@pytest.mark.parametrize(
    "point",
    [
        Point(GENERATOR.x + R, GENERATOR.y),
        Point(GENERATOR.x, GENERATOR.y + R),
        Point(GENERATOR.x - R, GENERATOR.y),
        Point(0, 1 + R),
        Point(0, 0),
        Point(1, 1),
        Point(GENERATOR.x, GENERATOR.y + 1),
        Point(2**300, -1),
    ],
)
def test_other_coordinates_are_not_on_the_curve(point: Point) -> None:
    assert not is_on_curve(point)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, R - 1), st.booleans())
def test_a_point_is_found_again_from_y_and_parity(y: int, odd: bool) -> None:
    found = from_y(y, odd)
    if found is not None:
        assert is_on_curve(found)
        assert (found.y, found.x & 1) == (y, odd)


def test_from_y_refuses_what_names_no_point() -> None:
    assert from_y(1, False) == IDENTITY
    assert from_y(1, True) is None
    assert from_y(R, False) is None
    assert from_y(-1, False) is None
    assert any(from_y(y, False) is None for y in range(20))
