from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from protocol.crypto.field import R
from prover.r1cs.engine import combine
from prover.r1cs.lc import FALSE, ONE, TRUE, Bit, Lc

coefficients = st.integers(1, R - 1)
combinations = st.dictionaries(st.integers(0, 3), coefficients, max_size=4).map(Lc)
constants = st.one_of(st.integers(-2, 2), st.integers(-R, 2 * R))
VALUES = [1, 5, R - 1, 1 << 200]


def value(lc: Lc) -> int:
    return combine(lc.terms, VALUES)


@given(combinations, combinations, constants)
def test_arithmetic_is_that_of_the_values(x: Lc, y: Lc, k: int) -> None:
    assert value(x + y) == (value(x) + value(y)) % R
    assert value(x - y) == (value(x) - value(y)) % R
    assert value(x + k) == value(k + x) == (value(x) + k) % R
    assert value(k - x) == (k - value(x)) % R
    assert value(k * x) == value(x * k) == k * value(x) % R
    assert value(-x) == -value(x) % R


@given(combinations, combinations, constants)
def test_combinations_stay_reduced(x: Lc, y: Lc, k: int) -> None:
    for result in (x + y, x - y, x - x, k * x, x + k, Lc.total(((k, x), (-k, x)))):
        assert all(0 < c < R for c in result.terms.values())


@given(constants)
def test_a_constant_is_known_as_one(k: int) -> None:
    assert Lc.of(k).constant == k % R
    assert (Lc.of(k) - k).constant == 0


def test_a_single_wire_is_known_as_one() -> None:
    assert Lc({3: 1}).wire == 3
    assert Lc({3: 2}).wire is None
    assert Lc({ONE: 1}).wire is None
    assert Lc({3: 1}).constant is None


def test_not_of_a_bit_is_a_bit() -> None:
    assert (~TRUE).terms == FALSE.terms
    inverted: Bit = ~Bit({2: 1})
    assert inverted.bits == 1
    assert value(inverted) == (1 - VALUES[2]) % R
