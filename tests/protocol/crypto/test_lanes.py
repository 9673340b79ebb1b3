"""Operations on eight elements at once equal Python ints, in every lane, at the edges too."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from protocol.crypto.field_code import FQ, FR, PrimeField
from protocol.crypto.kernel_cache import Kernel
from protocol.crypto.lane_types import AVAILABLE
from tests.protocol.crypto.lane_probe import (
    fq2_operations,
    fq2_permute,
    fq_operations,
    fr_operations,
    fr_permute,
)

needs_lanes = pytest.mark.skipif(
    not AVAILABLE, reason="no AVX-512 IFMA on this processor (or WATTLANE_SCALAR is set)"
)
LANES = 8
Element = tuple[int, ...]
"""The number that the words make, x * radix: what carries and reductions see."""
Pair = tuple[Element, Element]


def to_words(field: PrimeField, elements: list[Element]) -> NDArray[np.uint64]:
    rows = [[word for part in element for word in field.words(part)] for element in elements]
    return np.array(rows, dtype=np.uint64)


def from_words(field: PrimeField, rows: NDArray[np.uint64]) -> list[Element]:
    elements, width = [], field.limbs
    for row in rows.tolist():
        parts = [row[i : i + width] for i in range(0, len(row), width)]
        elements.append(tuple(sum(w << 64 * i for i, w in enumerate(part)) for part in parts))
    return elements


def product(field: PrimeField, a: Element, b: Element) -> Element:
    """In Montgomery form, as `mul` makes it."""
    unscale, p = pow(field.radix, -1, field.modulus), field.modulus
    if len(a) == 1:
        return (a[0] * b[0] * unscale % p,)
    real, imaginary = a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]
    return real * unscale % p, imaginary * unscale % p


def check(kernel: Kernel[Any, Any], field: PrimeField, a: list[Element], b: list[Element]) -> None:
    p = field.modulus
    operands = to_words(field, [*a, *b])
    results = np.zeros((9 * LANES, operands.shape[1]), dtype=np.uint64)
    flags = np.zeros(4, dtype=np.uint64)
    kernel(operands, results, flags)
    decoded = from_words(field, results)
    total, less, negated, multiplied, squared, inverse, left, right, chosen = (
        decoded[i : i + LANES] for i in range(0, len(decoded), LANES)
    )
    one = (field.radix % p, 0)[: len(a[0])]
    for lane, (x, y) in enumerate(zip(a, b, strict=True)):
        difference = tuple((u - v) % p for u, v in zip(x, y, strict=True))
        assert total[lane] == tuple((u + v) % p for u, v in zip(x, y, strict=True))
        assert less[lane] == difference
        assert negated[lane] == tuple(-u % p for u in x)
        assert multiplied[lane] == product(field, x, y)
        assert squared[lane] == product(field, x, x)
        assert product(field, inverse[lane], x) == (one if any(x) else x)
        assert any(x) or not any(inverse[lane])
        assert left[lane] == right[lane] == product(field, difference, y)
        assert chosen[lane] == (one if x == y else x)
    assert int(flags[0]) == sum((not any(x)) << lane for lane, x in enumerate(a))
    assert int(flags[1]) == sum(
        (x == y) << lane for lane, (x, y) in enumerate(zip(a, b, strict=True))
    )
    assert bool(flags[2]) == any(not any(x) for x in a)
    assert bool(flags[3]) == all(not any(x) for x in a)


def edges(field: PrimeField) -> list[int]:
    """Ends of the range, and limbs of 52 and 64 bits that are all ones or all zeros."""
    p = field.modulus
    top = p.bit_length() - 1
    ones = [(1 << bits) - 1 for bits in (52, 64, 104, top // 52 * 52, top // 64 * 64, top)]
    return [0, 1, 2, p - 1, p - 2, p // 2, p // 2 + 1, *ones, (1 << top), p - (1 << 52)]


def in_eights(pairs: list[Pair]) -> list[list[Pair]]:
    padded = pairs + pairs[: -len(pairs) % LANES]
    return [padded[i : i + LANES] for i in range(0, len(padded), LANES)]


@needs_lanes
@pytest.mark.parametrize(("kernel", "field"), [(fr_operations, FR), (fq_operations, FQ)])
def test_every_pair_of_edge_values(kernel: Kernel[Any, Any], field: PrimeField) -> None:
    pairs: list[Pair] = [((a,), (b,)) for a, b in itertools.product(edges(field), repeat=2)]
    for eight in in_eights(pairs):
        check(kernel, field, [a for a, _ in eight], [b for _, b in eight])


@needs_lanes
def test_every_pair_of_edge_values_in_the_quadratic_extension() -> None:
    values = [0, 1, FQ.modulus - 1, (1 << 364) - 1]
    elements: list[Element] = list(itertools.product(values, repeat=2))
    for eight in in_eights([(a, b) for a in elements for b in elements]):
        check(fq2_operations, FQ, [a for a, _ in eight], [b for _, b in eight])


@needs_lanes
@pytest.mark.parametrize(
    ("kernel", "field", "parts"),
    [(fr_operations, FR, 1), (fq_operations, FQ, 1), (fq2_operations, FQ, 2)],
)
def test_random_elements(kernel: Kernel[Any, Any], field: PrimeField, parts: int) -> None:
    rng = random.Random(parts)

    def element() -> Element:
        return tuple(rng.randrange(field.modulus) for _ in range(parts))

    for _ in range(50):
        check(kernel, field, [element() for _ in range(LANES)], [element() for _ in range(LANES)])


@needs_lanes
@pytest.mark.parametrize(("kernel", "field"), [(fr_operations, FR), (fq_operations, FQ)])
def test_a_lane_without_an_inverse_leaves_the_others_theirs(
    kernel: Kernel[Any, Any], field: PrimeField
) -> None:
    for zeros in (0, 1, 0b1010_0101, 0b1111_1111):
        a: list[Element] = [(0 if zeros >> lane & 1 else lane + 3,) for lane in range(LANES)]
        check(kernel, field, a, a[::-1])


@needs_lanes
@pytest.mark.parametrize(("kernel", "field", "parts"), [(fr_permute, FR, 1), (fq2_permute, FQ, 2)])
@pytest.mark.parametrize("stop", range(1, LANES + 1))
def test_elements_are_fetched_and_stored_one_by_one(
    kernel: Kernel[Any, Any], field: PrimeField, parts: int, stop: int
) -> None:
    rng = random.Random(stop)
    p = field.modulus
    elements = [tuple(rng.randrange(p) for _ in range(parts)) for _ in range(5)]
    numbers = [rng.randrange(-1, 5) for _ in range(stop)]
    to = np.full((stop + 1, parts * field.limbs), 7, dtype=np.uint64)
    kept = np.zeros((1, parts * 64), dtype=np.uint64)
    kernel(to_words(field, elements), np.array(numbers, np.int32), to, stop, kept)
    for place, (number, got) in enumerate(zip(numbers, from_words(field, to), strict=False)):
        want = elements[number] if number >= 0 else (0,) * parts
        assert got == (tuple(-x % p for x in want) if place & 1 else want)
    assert (to[stop] == 7).all()


def test_the_environment_says_one_at_a_time() -> None:
    """And then nothing is compiled that this processor might not have."""
    code = (
        "from prover.kernels import UNUSED; from prover.curves import groups, ntt; import sys; "
        "assert 'prover.curves.group_lane_entries' in UNUSED; assert not UNUSED & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "WATTLANE_SCALAR": "1"}
    )


@pytest.mark.parametrize("variable", ["NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"])
def test_a_processor_that_numba_is_told_of_is_believed(variable: str) -> None:
    code = "from protocol.crypto.lane_types import AVAILABLE; assert not AVAILABLE"
    value = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+avx2"}[variable]
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, variable: value})
