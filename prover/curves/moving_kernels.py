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
_TIMES = "void(uint64[:,::1], int32[::1], uint64[:,::1])"
_AHEAD = 16
"""Points between fetching one and using it."""


@inner
def prefetch_point(points: Points, ref: int, one: Any) -> None:
    if ref >= 0:
        prefetch(points, ref & -2, one)
        prefetch(points, ref | 1, one)


@inner
def load_point(points: Points, ref: int, one: Any) -> Any:
    """(x, y) of a reference; (0, 0) for -1."""
    zero = sub(one, one)
    if ref < 0:
        return zero, zero
    y = load(points, ref | 1, one)
    return load(points, ref & -2, one), neg(y) if ref & 1 else y


@inner
def copy(points: Points, refs: Refs, out: Points, out_start: int, one: Any) -> None:
    """out[out_start + i] = points[refs[i]] for all i; infinity for -1."""
    for i in range(refs.shape[0]):
        prefetch_point(points, refs[min(i + _AHEAD, refs.shape[0] - 1)], one)
        x, y = load_point(points, refs[i], one)
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


@compiled(_TIMES)
def times_z_squared_g1(points: Points, refs: Refs, out: Points) -> None:
    """out[i] = Z^2 points[refs[i]]: (x, y) becomes (cube root of 1 x, -y)."""
    for i in range(refs.shape[0]):
        prefetch_point(points, refs[min(i + _AHEAD, refs.shape[0] - 1)], FQ_ONE)
        x, y = load_point(points, refs[i], FQ_ONE)
        store(out, 2 * i, mul(_CUBE_ROOT, x))
        store(out, 2 * i + 1, neg(y))


@compiled(_TIMES)
def times_z_g2(points: Points, refs: Refs, out: Points) -> None:
    """out[i] = Z points[refs[i]]: the Frobenius map, untwisted, negated."""
    for i in range(refs.shape[0]):
        prefetch_point(points, refs[min(i + _AHEAD, refs.shape[0] - 1)], FQ2_ONE)
        x, y = load_point(points, refs[i], FQ2_ONE)
        # conjugate of x, times _X_FACTOR u
        store(out, 2 * i, (mul(_X_FACTOR, x[1]), mul(_X_FACTOR, x[0])))
        store(out, 2 * i + 1, mul(_Y_FACTOR, (y[0], neg(y[1]))))
