"""Invariant: a point that came from elsewhere is on its curve, with coordinates below q, or named.

Infinity (all zeros) passes. Subgroups are not looked at here: a proof's points are, when it is
verified, and so are a verifying key's.
"""

from __future__ import annotations

from typing import Any

from protocol.crypto.field_code import FQ
from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import FQ2_ONE, FQ_ONE, add, equal, is_zero, load, mul, square, store
from prover.curves.group_kernels import Points

compiled = Compiler(__file__)

_Q = FQ.words(FQ.modulus)
_UNIT = FQ.words(1)
_FOUR = FQ.encode(4)
_FOUR_TWICE = (_FOUR, _FOUR)  # 4 (1 + u)


@inner
def below_q(points: Points, i: int, word: int) -> bool:
    """Whether the 6 words of point i that begin at `word` are a number below q."""
    for k in range(5, -1, -1):
        if points[i, word + k] != _Q[k]:
            return bool(points[i, word + k] < _Q[k])
    return False


@inner
def first_bad(points: Points, start: int, stop: int, one: Any, constant: Any) -> int:
    """The first of points[start:stop] that is not on y^2 = x^3 + constant, or -1."""
    for i in range(start, stop):
        for word in range(0, points.shape[1], 6):
            if not below_q(points, i, word):
                return i
        x, y = load(points, 2 * i, one), load(points, 2 * i + 1, one)
        if is_zero(x) and is_zero(y):
            continue
        if not equal(square(y), add(mul(square(x), x), constant)):
            return i
    return -1


@compiled("int64(uint64[:,::1], int64, int64)")
def first_bad_g1(points: Points, start: int, stop: int) -> int:
    """The first point of G1's curve in start..stop that is not one, or -1."""
    return first_bad(points, start, stop, FQ_ONE, _FOUR)


@compiled("int64(uint64[:,::1], int64, int64)")
def first_bad_g2(points: Points, start: int, stop: int) -> int:
    """The first point of G2's curve in start..stop that is not one, or -1."""
    return first_bad(points, start, stop, FQ2_ONE, _FOUR_TWICE)


@compiled("void(uint64[:,::1], uint64[:,::1], int64, int64)")
def leave_montgomery_q(elements: Points, numbers: Points, start: int, stop: int) -> None:
    """numbers[i] = elements[i] / 2^384 mod q, below q, for elements of Fq (uint64[n, 6])."""
    for i in range(start, stop):
        store(numbers, i, mul(load(elements, i, FQ_ONE), _UNIT))
