"""Invariant: points are copied as references say, or multiplied by a base of scalars' parts.

The base is Z^2 in G1 and Z in G2, where -Z is the parameter of BLS12-381. The endomorphisms below
multiply by it in the subgroup, and nowhere else.
Ref: ePrint 2021/1130 (Scott), sections 3 and 4; ePrint 2008/194 (Galbraith, Lin, Scott).
"""

from __future__ import annotations

from typing import Any

from protocol.crypto.field_code import FQ
from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import FQ2_ONE, FQ_ONE, load, mul, neg, prefetch, store, sub
from prover.curves.group_kernels import Points, Refs

compiled = Compiler(__file__)
_COPY = "void(uint64[:,::1], int32[::1], uint64[:,::1], int64)"
_RANGE = "void(uint64[:,::1], int64, int64)"
_AHEAD = 16
"""Points between fetching one and using it."""


@inner
def copy(points: Points, refs: Refs, out: Points, out_start: int, one: Any) -> None:
    """out[out_start + i] = points[refs[i]] for all i; infinity for -1."""
    for i in range(refs.shape[0]):
        ahead = refs[min(i + _AHEAD, refs.shape[0] - 1)] | 1
        if ahead > 0:
            prefetch(points, ahead - 1, one)
            prefetch(points, ahead, one)
        ref, x = refs[i], sub(one, one)
        y = x
        if ref >= 0:
            x, y = load(points, ref & -2, one), load(points, ref | 1, one)
            if ref & 1:
                y = neg(y)
        store(out, 2 * (out_start + i), x)
        store(out, 2 * (out_start + i) + 1, y)


@compiled(_COPY)
def copy_g1(points: Points, refs: Refs, out: Points, at: int) -> None:
    copy(points, refs, out, at, FQ_ONE)


@compiled(_COPY)
def copy_g2(points: Points, refs: Refs, out: Points, at: int) -> None:
    copy(points, refs, out, at, FQ2_ONE)


_CUBE_ROOT = FQ.encode(
    0x5F19672FDF76CE51BA69C6076A0F77EADDB3A93BE6F89688DE17D813620A00022E01FFFFFFFEFFFE
)
_X_FACTOR = FQ.encode(
    0x1A0111EA397FE699EC02408663D4DE85AA0D857D89759AD4897D29650FB85F9B409427EB4F49FFFD8BFD00000000AAAD
)
"""Times u: 1 / (1 + u)^((q - 1) / 3)."""
_Y_FACTOR = (
    FQ.encode(
        0x6AF0E0437FF400B6831E36D6BD17FFE48395DABC2D3435E77F76E17009241C5EE67992F72EC05F4C81084FBEDE3CC09
    ),
    FQ.encode(
        0x135203E60180A68EE2E9C448D77A2CD91C3DEDD930B1CF60EF396489F61EB45E304466CF3E67FA0AF1EE7B04121BDEA2
    ),
)
"""-1 / (1 + u)^((q - 1) / 2)."""


@compiled(_RANGE)
def times_z_squared_g1(points: Points, start: int, stop: int) -> None:
    """points[i] = Z^2 points[i] for start <= i < stop: (x, y) becomes (cube root of 1 x, -y)."""
    for i in range(start, stop):
        store(points, 2 * i, mul(_CUBE_ROOT, load(points, 2 * i, FQ_ONE)))
        store(points, 2 * i + 1, neg(load(points, 2 * i + 1, FQ_ONE)))


@compiled(_RANGE)
def times_z_g2(points: Points, start: int, stop: int) -> None:
    """points[i] = Z points[i] for start <= i < stop: the Frobenius map, untwisted, negated."""
    for i in range(start, stop):
        x, y = load(points, 2 * i, FQ2_ONE), load(points, 2 * i + 1, FQ2_ONE)
        # conjugate of x, times _X_FACTOR u
        store(points, 2 * i, (mul(_X_FACTOR, x[1]), mul(_X_FACTOR, x[0])))
        store(points, 2 * i + 1, mul(_Y_FACTOR, (y[0], neg(y[1]))))
