"""Sums of scalar multiples against py_arkworks, and each scalar and point that is special."""

from __future__ import annotations

import random

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves.fr import from_ints
from prover.curves.groups import G1, G2, Group
from prover.curves.msm import Sum, compute, multiply_and_add, window_bits
from prover.curves.scalar_kernels import SCALAR_BITS, signed_digits
from tests.prover.curves.oracle import GROUPS, coordinates, multiexp, points, times_generator

SPECIAL = [0, 1, 2, 3, R - 1, R - 2, (R - 1) // 2, (R + 1) // 2, 2**64, R - 2**64, 2**254]


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 40, 700])
def test_sums_equal_arkworks(group: Group, count: int) -> None:
    rng = random.Random(count)
    logs = [0, 1, 1, R - 1, 2, *(rng.randrange(R) for _ in range(40))]
    table = points(group, logs)
    chosen = [rng.randrange(len(logs)) for _ in range(count)]
    scalars = [rng.choice([*SPECIAL, rng.randrange(R), rng.randrange(R)]) for _ in range(count)]
    total = multiply_and_add(group, table[chosen], from_ints(scalars))
    if count == 0:
        assert group.decode(total) is None
        return
    want = multiexp(group, [times_generator(group, logs[i]) for i in chosen], scalars)
    assert group.decode(total) == coordinates(want)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("scalar", SPECIAL)
def test_one_point_times_each_special_scalar(group: Group, scalar: int) -> None:
    total = multiply_and_add(group, points(group, [5]), from_ints([scalar]))
    assert group.decode(total) == coordinates(times_generator(group, 5 * scalar % R))


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_one_bucket_for_all_and_cancelling_points(group: Group) -> None:
    same = np.repeat(points(group, [3]), 1001, axis=0)
    total = multiply_and_add(group, same, from_ints([9] * 1001))
    assert group.decode(total) == coordinates(times_generator(group, 3 * 9 * 1001))
    opposite = np.concatenate([points(group, [4]), points(group, [R - 4])])
    assert group.decode(multiply_and_add(group, opposite, from_ints([77, 77]))) is None
    assert group.decode(multiply_and_add(group, same[:2], from_ints([R - 6, 6]))) is None


def test_several_sums_at_once_report_progress() -> None:
    calls: list[tuple[str, int, int]] = []
    sums = [Sum(group, points(group, [1, 2, 3]), from_ints([4, 5, 6])) for group in (G1, G2, G1)]
    totals = compute(sums, "msm", lambda *call: calls.append(call))
    for total, one in zip(totals, sums, strict=True):
        want = coordinates(times_generator(one.group, 4 + 10 + 18))
        assert one.group.decode(total) == want
    n_windows = sum(one.n_windows for one in sums)
    assert calls == [("msm", i, n_windows) for i in range(1, n_windows + 1)]


@pytest.mark.parametrize("bits", range(2, 17))
def test_signed_digits_stand_for_their_scalar(bits: int) -> None:
    rng = random.Random(bits)
    half = 1 << (bits - 1)
    numbers = [*SPECIAL, *(rng.randrange(R) for _ in range(50))]
    numbers += [
        half << bits * 3,
        (half + 1) << bits * 3,
        ((1 << 250) - 1) // ((1 << bits) - 1) * half,
    ]
    digits = np.empty((SCALAR_BITS // bits + 1, len(numbers)), dtype=np.int32)
    signed_digits(from_ints(numbers), bits, digits, 0, len(numbers))
    assert abs(digits).max() <= half
    for number, column in zip(numbers, digits.T.tolist(), strict=True):
        assert sum(digit << bits * w for w, digit in enumerate(column)) % R == number


def test_windows_grow_with_the_number_of_points() -> None:
    sizes = [window_bits(1 << log) for log in range(0, 22)]
    assert sizes == sorted(sizes)
    assert sizes[-1] <= 16
