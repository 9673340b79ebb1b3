"""Ints to elements and back, and what is no element."""

from __future__ import annotations

import random

import numpy as np
import pytest

from protocol.crypto.field import R
from protocol.crypto.field_code import FR
from prover.curves.fr import NotInField, from_canonical, from_ints, inverses, to_ints

EDGES = [0, 1, 2, R - 1, R - 2, 2**64 - 1, 2**64, 2**128, 2**254]


def test_ints_survive_the_way_there_and_back() -> None:
    rng = random.Random(1)
    numbers = EDGES + [rng.randrange(R) for _ in range(1000)]
    assert to_ints(from_ints(numbers)) == numbers
    assert to_ints(from_ints([])) == []


def test_elements_are_in_montgomery_form() -> None:
    for number in EDGES:
        assert tuple(from_ints([number])[0]) == FR.encode(number)


@pytest.mark.parametrize("outside", [R, R + 1, -1, 2**256 - 1, 2**256])
def test_what_is_not_below_r_is_refused(outside: int) -> None:
    with pytest.raises(NotInField, match=str(outside)):
        from_ints([1, outside, 2])


def test_canonical_words_are_reduced() -> None:
    words = np.full((1, 4), 2**64 - 1, dtype=np.uint64)
    assert to_ints(from_canonical(words)) == [(2**256 - 1) % R]


def test_inverses_and_the_inverse_of_zero() -> None:
    rng = random.Random(2)
    numbers = [0, 1, R - 1, 0, *(rng.randrange(1, R) for _ in range(50)), 0]
    want = [pow(number, -1, R) if number else 0 for number in numbers]
    assert to_ints(inverses(from_ints(numbers))) == want
