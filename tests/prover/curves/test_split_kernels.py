"""The parts of a scalar and the digits of a part stand for it, at all borders."""

from __future__ import annotations

import random

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves.fr import from_ints
from prover.curves.split_kernels import MIN_BITS, PART_WORDS, SCALAR_BITS, part_digits, split

Z = 0xD201000000010000
BORDERS = [Z, Z**2, Z**3, Z // 2, Z**2 // 2, Z**3 // 2, R // 2, 1 << 15, 1 << 16]
POWERS = [1 << k for k in range(255)]


def scalars() -> list[int]:
    rng = random.Random(3)
    near = [border + d for border in [*BORDERS, *POWERS] for d in (-1, 0, 1)]
    by_parts = [
        sum(rng.choice([0, 1, Z // 2, Z // 2 + 1, Z - 1]) * Z**i for i in range(4))
        for _ in range(300)
    ]
    sizes = [rng.randrange(1 << rng.randrange(1, 255)) for _ in range(300)]
    found = [0, *near, *by_parts, *sizes, *(rng.randrange(R) for _ in range(300))]
    return [n % R for n in found] + [-n % R for n in found]


def parts_of(numbers: list[int], n_parts: int) -> tuple[np.ndarray, list[list[int]], int]:
    parts = np.empty((len(numbers), PART_WORDS), dtype=np.uint64)
    wide = split(from_ints(numbers), parts, n_parts, 0, len(numbers))
    words = PART_WORDS // n_parts
    ints = []
    for row in parts.tolist():
        joined = [
            sum(w << 64 * i for i, w in enumerate(row[first : first + words]))
            for first in range(0, PART_WORDS, words)
        ]
        ints.append([p - (p >> (64 * words - 1) << 64 * words) for p in joined])
    return parts, ints, wide


@pytest.mark.parametrize("n_parts", [2, 4])
def test_parts_are_small_and_stand_for_the_scalar(n_parts: int) -> None:
    numbers = scalars()
    _, ints, wide = parts_of(numbers, n_parts)
    base: int = Z ** (4 // n_parts)
    for number, row in zip(numbers, ints, strict=True):
        assert sum(part * base**i for i, part in enumerate(row)) % R == number
        assert all(abs(part) <= base // 2 + 1 for part in row)
    assert wide == sum(not -(1 << 15) <= part < 1 << 15 for row in ints for part in row)


@pytest.mark.parametrize("n_parts", [2, 4])
def test_small_scalars_of_both_signs_are_their_own_first_part(n_parts: int) -> None:
    numbers = [0, 1, R - 1, 1000, R - 1000]
    _, ints, wide = parts_of(numbers, n_parts)
    assert [row[0] for row in ints] == [0, 1, -1, 1000, -1000]
    assert not any(any(row[1:]) for row in ints)
    assert wide == 0


@pytest.mark.parametrize("n_parts", [2, 4])
@pytest.mark.parametrize("bits", range(MIN_BITS, 17))
def test_digits_stand_for_their_part(n_parts: int, bits: int) -> None:
    numbers = scalars()
    parts, ints, _ = parts_of(numbers, n_parts)
    n_windows = -(-SCALAR_BITS // n_parts // bits)
    digits = np.empty((n_windows, n_parts, len(numbers)), dtype=np.int16)
    part_digits(parts, bits, digits, 0, len(numbers))
    assert digits.min() >= -(1 << bits - 1)
    assert digits.max() < 1 << bits - 1
    weighted = sum(digits[w].astype(object) << bits * w for w in range(n_windows))
    assert np.array(weighted).T.tolist() == ints


def test_the_largest_parts_fit_the_fewest_windows() -> None:
    for n_parts in (2, 4):
        largest = Z ** (4 // n_parts) // 2 + 1
        for bits in range(MIN_BITS, 17):
            n_windows = -(-SCALAR_BITS // n_parts // bits)
            assert ((1 << bits - 1) - 1) * sum(1 << bits * w for w in range(n_windows)) >= largest
