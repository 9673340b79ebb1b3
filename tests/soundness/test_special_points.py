"""Doubling and Montgomery's form where they could go wrong: no answer is left open, whatever x, y.

Ref: docs/statements.md, `double` and `generator_multiple`.
"""

from __future__ import annotations

from random import Random

import pytest

from protocol.crypto import jubjub as plain
from protocol.crypto.field import R
from protocol.crypto.jubjub import D, Point
from prover.gadgets import generator
from prover.r1cs.engine import evaluate
from tests.prover.gadgets.test_jubjub import SMALL, TWICE, given, point_of
from tests.prover.mutation import assert_every_value_is_bound, first_failing

SQUARE, NO_SQUARE = 1, R - 1


def euler(x: int) -> int:
    """1 for a square, R - 1 for none."""
    return pow(x, (R - 1) // 2, R)


@pytest.mark.parametrize("order", [2, 4, 8])
def test_a_doubling_of_a_small_order_has_one_answer(order: int) -> None:
    for k in range(1, 8):
        if plain.multiply(order, SMALL[k]) == SMALL[0] != plain.multiply(order // 2, SMALL[k]):
            assert_every_value_is_bound(TWICE, given(p=SMALL[k]), statement=given(p=SMALL[k]))


def test_each_value_of_t_is_of_one_point_at_most() -> None:
    """t and 1 / t in each other's place, or with the other sign: other points, refused by t."""
    for p in (*SMALL, plain.GENERATOR):
        t = (p.y + p.x) * pow(p.y - p.x, -1, R) % R
        for other in {pow(t, -1, R), R - t, R - pow(t, -1, R)} - {t}:
            failure = first_failing(TWICE, given(p=p), {"double/t": other})
            assert failure is not None
            assert failure.constraint == "double/t"


def test_no_denominator_of_a_doubling_is_0_on_the_curve() -> None:
    """y = x or -x would make d = -1 / x^4 a square, as -1 is; 1 +- d x^2 y^2 = 0 likewise."""
    assert euler(R - 1) == SQUARE
    assert euler(D) == NO_SQUARE
    random = Random(1)
    for x in (0, 1, R - 1, *(random.randrange(R) for _ in range(50))):
        assert not plain.is_on_curve(Point(x, x))
        assert not plain.is_on_curve(Point(x, R - x))


@pytest.mark.parametrize("x", [0, 1, 7, R - 7])
def test_a_point_with_y_equal_to_x_leaves_t_open_and_the_curve_check_forbids_it(x: int) -> None:
    for y in (x, (R - x) % R):
        place = TWICE.value_names.index("double/t")
        for t in (1, 99):
            assert evaluate(TWICE, given(p=Point(x, y)), {place: t})[place] == t
            failure = first_failing(TWICE, given(p=Point(x, y)), {"double/t": t})
            assert failure is not None
            assert failure.constraint == "p on curve"


def test_doubling_three_times_ends_at_the_identity_for_all_small_orders() -> None:
    for p in SMALL:
        once = point_of(TWICE, given(p=p))
        twice = point_of(TWICE, given(p=once))
        assert point_of(TWICE, given(p=twice)) == SMALL[0] == Point(0, 1)


def test_montgomerys_form_has_no_point_where_u_is_minus_1() -> None:
    """B v^2 = u^3 + A u^2 + u at u = -1 says v^2 = d; and the generator's form is that curve."""
    a, b = generator._A, generator._B
    assert (a - 2) * pow(b, -1, R) % R == D
    for k in (1, 2, 3, 8**82, 15 * 8**82):
        u, v = generator._montgomery(generator._times_half(k))
        assert (b * v * v - u * (u * u + a * u + 1)) % R == 0
        assert v
        assert u not in (0, R - 1)
