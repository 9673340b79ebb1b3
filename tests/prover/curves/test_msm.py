"""Sums of scalar multiples against py_arkworks; scalars and points that hit every special case."""

from __future__ import annotations

import random

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves import windows
from prover.curves.fr import from_ints
from prover.curves.groups import G1, G2, Group
from prover.curves.msm import Sum, compute, multiply_and_add
from prover.curves.scalar_kernels import SCALAR_BITS, signed_digits
from prover.curves.windows import window_bits
from tests.prover.curves.oracle import GROUPS, coordinates, multiexp, points, times_generator

Z = 0xD201000000010000
SPECIAL = [0, 1, 2, 3, R - 1, R - 2, (R - 1) // 2, (R + 1) // 2, 2**64, R - 2**64, 2**254]
SPECIAL += [Z, R - Z, Z**2, Z**2 - 1, R - Z**2, Z**3, Z // 2, Z**2 // 2 + 1]


def check(group: Group, logs: list[int], scalars: list[int]) -> None:
    """The sum of scalars[i] * (logs[i] * generator)."""
    known = sorted(set(logs))
    table = points(group, known)
    place = {log: i for i, log in enumerate(known)}
    total = multiply_and_add(group, table[[place[log] for log in logs]], from_ints(scalars))
    want = sum(log * scalar for log, scalar in zip(logs, scalars, strict=True)) % R
    assert group.decode(total) == coordinates(times_generator(group, want))


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
@pytest.mark.parametrize("count", [*range(41), 127, 128, 129, 1023, 1025, 4097])
def test_sums_of_every_small_number_of_points(group: Group, count: int) -> None:
    rng = random.Random(count)
    logs = [rng.choice([1, 5, R - 5, 0, 77, R - 77, 10**40]) for _ in range(count)]
    check(group, logs, [rng.randrange(R) for _ in range(count)])


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("scalar", SPECIAL)
def test_one_point_times_each_special_scalar(group: Group, scalar: int) -> None:
    check(group, [5], [scalar])


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_one_bucket_for_all_and_cancelling_points(group: Group) -> None:
    check(group, [3] * 1001, [9] * 1001)
    check(group, [3] * 1001, [R - 9] * 1001)
    check(group, [4, R - 4], [77, 77])
    check(group, [3, 3], [R - 6, 6])
    check(group, [3, R - 3] * 500, [12345] * 1000)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_points_whose_multiples_by_the_base_meet_in_a_bucket(group: Group) -> None:
    """k P + (k Z') (P / Z'), and its negative: parts 0 and 1 of equal and opposite points."""
    base = Z ** (4 // group.n_parts)
    inverse = pow(base, -1, R)
    for sign in (1, -1):
        for k in (1, 7, 30000, 10**15):
            log = 5 * inverse * sign % R
            check(group, [5, log], [k, k * base % R])
            check(group, [5, log] * 50, [k, k * base % R] * 50)
    orbit = [5 * pow(base, i, R) * sign % R for i in range(6) for sign in (1, -1)]
    check(group, orbit, [pow(base, i, R) for i in range(12)])
    check(group, orbit * 20, [3 * pow(base, i % 7, R) % R for i in range(240)])


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("bits", [3, 4, 7, 11, 13, 16])
def test_windows_of_any_size_at_their_borders(
    group: Group, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest digits of both signs in all windows, and in every single one."""
    monkeypatch.setattr(windows, "window_bits", lambda n_wide, n_parts: bits)
    half, radix = 1 << bits - 1, (1 << bits) - 1
    full = [((1 << 254) - 1) // radix * digit % R for digit in (half - 1, half, half + 1, 1)]
    single = [(half + d) << bits * w for w in range(1, 254 // bits) for d in (-1, 0)]
    scalars = [*full, *(R - scalar for scalar in full), *single, *SPECIAL]
    check(group, [5, R - 5, 8][: len(scalars)] * len(scalars), scalars * 3)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_bits_and_small_scalars(group: Group) -> None:
    rng = random.Random(8)
    logs = [rng.choice([5, 6, R - 6, 0]) for _ in range(3000)]
    check(group, logs, [rng.randrange(2) for _ in logs])
    check(group, logs, [0] * 3000)
    check(group, logs, [1] * 3000)
    check(group, logs, [rng.choice([0, 1, R - 1, 2**16, rng.randrange(R)]) for _ in logs])


def test_several_sums_at_once_report_progress() -> None:
    calls: list[tuple[str, int, int]] = []
    sums = [Sum(group, points(group, [1, 2, 3]), from_ints([4, 5, 6])) for group in (G1, G2, G1)]
    totals = compute(sums, "msm", lambda *call: calls.append(call))
    for total, one in zip(totals, sums, strict=True):
        want = coordinates(times_generator(one.group, 4 + 10 + 18))
        assert one.group.decode(total) == want
    assert calls == [("msm", i, len(calls)) for i in range(1, len(calls) + 1)]


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


@pytest.mark.parametrize("n_parts", [2, 4])
def test_windows_grow_with_the_number_of_points(n_parts: int) -> None:
    sizes = [window_bits(n_parts << log, n_parts) for log in range(0, 22)]
    assert sizes == sorted(sizes)
    assert sizes[-1] <= 16
