"""Jubjub: the twisted Edwards curve -x^2 + y^2 = 1 + d x^2 y^2 over Fr.

-1 is a square in Fr and d is none, so the addition formulas hold for *all* points on the curve,
the identity and small-order points included; off the curve they mean nothing.
Ref: Zcash protocol specification 5.4.9.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from protocol.crypto.field import R, sqrt

D = 0x2A9318E74BFA2B48F5FD9207E6BD7FD4292D7F6D37579D2601065FD6D6343EB1
SUBGROUP_ORDER = 0x0E7DB4EA6533AFA906673B0101343B00A6682093CCC81082D0970E5ED6F72CB7
COFACTOR = 8


@dataclass(frozen=True, slots=True)
class Point:
    """An affine point; x and y are ints, on the curve only where `is_on_curve` says so."""

    x: int
    y: int


IDENTITY = Point(0, 1)
GENERATOR = Point(
    0x11DAFE5D23E1218086A365B99FBF3D3BE72F6AFD7D1F72623E6B071492D1122B,
    0x1D523CF1DDAB1A1793132E78C866C0C33E26BA5CC220FED7CC3F870E59D292AA,
)

_Extended = tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z


def is_on_curve(point: Point) -> bool:
    """Whether both coordinates are canonical and satisfy the curve equation."""
    if not (0 <= point.x < R and 0 <= point.y < R):
        return False
    xx, yy = point.x * point.x % R, point.y * point.y % R
    return (yy - xx - 1 - D * xx * yy) % R == 0


def _extend(point: Point) -> _Extended:
    return point.x, point.y, 1, point.x * point.y % R


def _affine(point: _Extended) -> Point:
    inverse = pow(point[2], -1, R)
    return Point(point[0] * inverse % R, point[1] * inverse % R)


def _add(p: _Extended, q: _Extended) -> _Extended:
    """Unified addition for a = -1. Ref: Hisil, Wong, Carter, Dawson 2008, section 3.1."""
    a, b = p[0] * q[0] % R, p[1] * q[1] % R
    c, d = D * p[3] % R * q[3] % R, p[2] * q[2] % R
    e = (p[0] + p[1]) * (q[0] + q[1]) - a - b
    f, g, h = d - c, d + c, b + a
    return e * f % R, g * h % R, f * g % R, e * h % R


def add(p: Point, q: Point) -> Point:
    """p + q, for points on the curve."""
    return _affine(_add(_extend(p), _extend(q)))


def multiply_plainly(scalar: int, point: Point) -> Point:
    """scalar * point for a scalar >= 0 and a point on the curve, in plain Python."""
    total, base = _extend(IDENTITY), _extend(point)
    for bit in bin(scalar)[2:]:
        total = _add(total, total)
        if bit == "1":
            total = _add(total, base)
    return _affine(total)


_multiplication: Callable[[int, Point], Point] = multiply_plainly


def use_multiplication(multiplication: Callable[[int, Point], Point]) -> None:
    """Let this process multiply with an equal, faster function (protocol.crypto.compiled)."""
    global _multiplication
    _multiplication = multiplication


def multiply(scalar: int, point: Point) -> Point:
    """scalar * point for a scalar >= 0 and a point on the curve."""
    return _multiplication(scalar, point)


def is_small_order(point: Point) -> bool:
    """Whether 8 * point is the identity (such a point is no safe public key)."""
    return multiply(COFACTOR, point) == IDENTITY


def in_subgroup(point: Point) -> bool:
    """Whether the point lies in the subgroup of prime order."""
    return multiply(SUBGROUP_ORDER, point) == IDENTITY


def from_y(y: int, x_is_odd: bool) -> Point | None:
    """The point with this y and parity of x, or None if there is none."""
    if not 0 <= y < R:
        return None
    yy = y * y % R
    x = sqrt((yy - 1) * pow(D * yy + 1, -1, R) % R)
    if x is None or (x == 0 and x_is_odd):
        return None
    return Point(R - x if (x & 1) != x_is_odd else x, y)
