"""Integers only, each inside its bits; prices times energy are exact."""

from __future__ import annotations

from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import OutOfRange
from protocol.units import amount_ntok, check_range


class One(IntEnum):
    ONE = 1


@pytest.mark.parametrize("given_", [0, 1, 2**24 - 1])
def test_edges_of_a_range_pass(given_: int) -> None:
    assert check_range("index", given_, 24) == given_


@pytest.mark.parametrize("given_", [-1, 2**24, True, 1.0, "1", None, One.ONE])
def test_everything_else_is_refused_with_its_field(given_: object) -> None:
    with pytest.raises(OutOfRange) as caught:
        check_range("index", given_, 24)  # type: ignore[arg-type]
    assert (caught.value.field, caught.value.given, caught.value.bits) == ("index", given_, 24)
    assert "index" in str(caught.value)


@given(st.integers(0, 2**40 - 1), st.integers(0, 2**64 - 1))
def test_an_amount_is_the_exact_product(energy_wh: int, price: int) -> None:
    assert amount_ntok(energy_wh, price) == energy_wh * price


def test_one_kwh_at_a_quarter_of_a_token_is_a_quarter_of_a_token() -> None:
    assert amount_ntok(1_000, 250_000) == 250_000_000


@pytest.mark.parametrize(("energy_wh", "price"), [(2**40, 1), (-1, 1), (1, -1), (1, 2**64)])
def test_energy_and_price_outside_their_bits_are_refused(energy_wh: int, price: int) -> None:
    with pytest.raises(OutOfRange):
        amount_ntok(energy_wh, price)
