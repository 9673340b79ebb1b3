"""Invariant: points of the subgroup are multiplied by the base of a scalar's parts.

The base is Z^2 in G1 and Z in G2, where -Z is the parameter of BLS12-381. Outside the subgroup
these maps are something else. `one` decides between one point and eight at a time.
Ref: ePrint 2021/1130 (Scott), sections 3 and 4; ePrint 2008/194 (Galbraith, Lin, Scott).
"""

from __future__ import annotations

from typing import Any

from protocol.crypto.field_code import FQ
from protocol.crypto.kernel_cache import inlined
from protocol.crypto.kernels import mul, neg
from protocol.crypto.lane_kernels import count_up, indices, lanes, scatter
from prover.curves.group_kernels import Points, Refs, load_x, load_y, prefetch_point

_AHEAD = 16
"""Points between fetching one and using it."""

CUBE_ROOT = FQ.encode(
    0x5F19672FDF76CE51BA69C6076A0F77EADDB3A93BE6F89688DE17D813620A00022E01FFFFFFFEFFFE
)
X_FACTOR = FQ.encode(
    0x1A0111EA397FE699EC02408663D4DE85AA0D857D89759AD4897D29650FB85F9B409427EB4F49FFFD8BFD00000000AAAD
)
"""Times u: 1 / (1 + u)^((q - 1) / 3)."""
Y_FACTOR = (
    FQ.encode(
        0x6AF0E0437FF400B6831E36D6BD17FFE48395DABC2D3435E77F76E17009241C5EE67992F72EC05F4C81084FBEDE3CC09
    ),
    FQ.encode(
        0x135203E60180A68EE2E9C448D77A2CD91C3DEDD930B1CF60EF396489F61EB45E304466CF3E67FA0AF1EE7B04121BDEA2
    ),
)
"""-1 / (1 + u)^((q - 1) / 2)."""


@inlined
def times_z_squared(points: Points, refs: Refs, out: Points, cube_root: Any, one: Any) -> None:
    """out[i] = Z^2 points[refs[i]], in G1: (x, y) becomes (cube root of 1 x, -y)."""
    count = refs.shape[0]
    for at in range(0, count, lanes(one)):
        ahead = min(at + _AHEAD, count - 1)
        prefetch_point(points, indices(refs, ahead, count, one), one)
        ref, to = indices(refs, at, count, one), count_up(at, count, 2, one)
        x, y = load_x(points, ref, one), load_y(points, ref, one)
        scatter(out, to, mul(x, cube_root))
        scatter(out, to | 1, neg(y))


@inlined
def times_z(
    points: Points, refs: Refs, out: Points, x_factor: Any, y_factor: Any, one: Any
) -> None:
    """out[i] = Z points[refs[i]], in G2: the Frobenius map, untwisted, negated."""
    count = refs.shape[0]
    for at in range(0, count, lanes(one)):
        ahead = min(at + _AHEAD, count - 1)
        prefetch_point(points, indices(refs, ahead, count, one), one)
        ref, to = indices(refs, at, count, one), count_up(at, count, 2, one)
        x, y = load_x(points, ref, one), load_y(points, ref, one)
        # conjugate of x, times x_factor u
        scatter(out, to, (mul(x[1], x_factor), mul(x[0], x_factor)))
        scatter(out, to | 1, mul((y[0], neg(y[1])), y_factor))
