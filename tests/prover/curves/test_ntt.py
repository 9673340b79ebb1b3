"""Transforms against sums of powers, on every size up to one that uses all code paths."""

from __future__ import annotations

import random

import pytest

from protocol.crypto.field import R
from prover.curves.fr import from_ints, to_ints
from prover.curves.ntt import domain, powers, reversed_powers, root_of_unity


def reverse_bits(index: int, bits: int) -> int:
    return int(format(index, f"0{bits}b")[::-1], 2) if bits else 0


def horner(coefficients: list[int], point: int) -> int:
    total = 0
    for coefficient in reversed(coefficients):
        total = (total * point + coefficient) % R
    return total


@pytest.mark.parametrize("log_size", range(8))
def test_evaluate_equals_horner_at_every_root(log_size: int) -> None:
    size, rng = 1 << log_size, random.Random(log_size)
    coefficients = [rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(size)]
    given = from_ints([coefficients[reverse_bits(i, log_size)] for i in range(size)])
    here = domain(log_size)
    here.evaluate(given)
    assert to_ints(given) == [horner(coefficients, pow(here.root, i, R)) for i in range(size)]


@pytest.mark.parametrize("log_size", [0, 1, 2, 5, 12, 13, 14, 15])
def test_interpolate_undoes_evaluate(log_size: int) -> None:
    size, rng = 1 << log_size, random.Random(log_size)
    numbers = [rng.randrange(R) for _ in range(size)]
    elements = from_ints(numbers)
    domain(log_size).interpolate(elements)
    domain(log_size).evaluate(elements)
    assert to_ints(elements) == [number * size % R for number in numbers]


def test_a_large_transform_is_right_at_sampled_roots() -> None:
    log_size = 15
    size, rng = 1 << log_size, random.Random(3)
    coefficients = [rng.randrange(R) for _ in range(size)]
    elements = from_ints([coefficients[reverse_bits(i, log_size)] for i in range(size)])
    here = domain(log_size)
    here.evaluate(elements)
    for index in (0, 1, 2, 4097, size // 2, size - 1):
        want = horner(coefficients, pow(here.root, index, R))
        assert to_ints(elements[index : index + 1]) == [want]


def test_tables_of_powers() -> None:
    assert to_ints(powers(3, 5, 4)) == [3 * pow(5, i, R) % R for i in range(16)]
    want = [3 * pow(5, reverse_bits(i, 4), R) % R for i in range(16)]
    assert to_ints(reversed_powers(3, 5, 4)) == want


def test_roots_of_unity_have_their_order() -> None:
    assert root_of_unity(0) == 1
    for log_size in range(1, 33):
        assert pow(root_of_unity(log_size), 1 << log_size - 1, R) == R - 1
    with pytest.raises(ValueError, match="2\\^33"):
        root_of_unity(33)
