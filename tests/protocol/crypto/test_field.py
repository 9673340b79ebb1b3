"""Fr: canonical elements only, inverses, square roots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.crypto.field import R, check_fr, inverse, sqrt
from protocol.errors import OutOfRange

elements = st.integers(0, R - 1)


@pytest.mark.parametrize("given_", [0, 1, R - 1])
def test_canonical_elements_pass(given_: int) -> None:
    assert check_fr("x", given_) == given_


@pytest.mark.parametrize("given_", [-1, R, 2**255, True, 1.0, "1", None])
def test_everything_else_is_out_of_range_and_named(given_: object) -> None:
    with pytest.raises(OutOfRange, match="key_hash"):
        check_fr("key_hash", given_)  # type: ignore[arg-type]


@given(elements)
def test_inverse_times_element_is_one(x: int) -> None:
    if x:
        assert inverse(x) * x % R == 1


def test_zero_has_no_inverse() -> None:
    for zero in (0, R, -R):
        with pytest.raises(ZeroDivisionError):
            inverse(zero)


@given(elements)
def test_every_square_has_a_root_and_of_two_neighbours_by_seven_only_one(x: int) -> None:
    root = sqrt(x * x % R)
    assert root is not None
    assert root in (x, R - x if x else 0)
    if x:
        assert sqrt(7 * x * x % R) is None  # 7 is no square


def test_minus_one_is_a_square() -> None:
    root = sqrt(R - 1)
    assert root is not None
    assert root * root % R == R - 1
    assert sqrt(0) == 0
