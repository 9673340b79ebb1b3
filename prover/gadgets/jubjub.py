"""Invariant: a CurvePoint satisfies the curve equation, and sums of such points are right for all
of them: the identity, small-order points, P + P and P - P included.

The formulas are complete because -1 is a square in Fr and d is none, so that 1 + c and 1 - c are
never 0 for points on the curve and the quotients are determined.
Ref: Hisil, Wong, Carter, Dawson 2008; Zcash protocol specification 5.4.9.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.crypto.field import R
from protocol.crypto.jubjub import D
from prover.gadgets.compare import is_zero
from prover.gadgets.select import is_both, masked, select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc

HALF = pow(2, -1, R)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A point that constraints keep on the curve. Only this module and `generator` make one."""

    x: Lc
    y: Lc


def enforce_on_curve(b: Builder, x: Lc, y: Lc, *, label: str = "on curve") -> CurvePoint:
    """-x^2 + y^2 = 1 + d x^2 y^2. 3 constraints."""
    xx = b.mul(x, x, label=f"{label} x^2")
    yy = b.mul(y, y, label=f"{label} y^2")
    b.enforce_product(D * xx, yy, yy - xx - 1, label=label)
    return CurvePoint(x, y)


def on_curve_or_identity(
    b: Builder, x: Lc, y: Lc, *, label: str = "on curve"
) -> tuple[CurvePoint, Bit]:
    """((x, y), 1) if that is on the curve, else ((0, 1), 0): nothing is refused. 7 constraints."""
    xx = b.mul(x, x, label=f"{label} x^2")
    yy = b.mul(y, y, label=f"{label} y^2")
    both = b.mul(D * xx, yy, label=f"{label} d x^2 y^2")
    on = is_zero(b, both - yy + xx + 1, label=label)
    new_x = masked(b, on, x, label=f"{label} x or 0")
    return CurvePoint(new_x, 1 + masked(b, on, y - 1, label=f"{label} y or 1")), on


def negate(p: CurvePoint) -> CurvePoint:
    """-p. Free."""
    return CurvePoint(-p.x, p.y)


def add(b: Builder, p: CurvePoint, q: CurvePoint, *, label: str = "add") -> CurvePoint:
    """p + q. 6 constraints."""
    with b.scope(label):
        v0 = b.mul(p.x, q.y, label="x1 y2")
        v1 = b.mul(p.y, q.x, label="y1 x2")
        both = b.mul(p.x + p.y, q.x + q.y, label="(x1 + y1)(x2 + y2)")
        c = b.mul(D * v0, v1, label="d x1 x2 y1 y2")
        x = quotient(b, v0 + v1, 1 + c, "x3")
        y = quotient(b, both - v0 - v1, 1 - c, "y3")
    return CurvePoint(x, y)


def double(b: Builder, p: CurvePoint, *, label: str = "double") -> CurvePoint:
    """p + p. 4 constraints.

    With t = (y + x) / (y - x) and D = y^2 - x^2, none of which is 0 on the curve:
    x3 = 2 x y / D = (t - 1/t) / 2, y3 = (x^2 + y^2) / (2 - D), and x^2 + y^2 is D (t + 1/t) / 2.
    """
    plus, minus = p.y + p.x, p.y - p.x
    with b.scope(label):
        t = quotient(b, plus, minus, "t")
        inverse = quotient(b, 1, t, "t inverse")
        d = b.mul(plus, minus, label="y^2 - x^2")
        mean = (t + inverse) * HALF
        y = b.hint_quotient(b.temp_product(mean, d), 2 - d, label="y3")
        b.enforce_product(mean + y, d, 2 * y, label="y3")
    return CurvePoint((t - inverse) * HALF, y)


def quotient(b: Builder, numerator: Lc | int, denominator: Lc, label: str) -> Lc:
    """numerator / denominator; sound because the denominator cannot be 0 on the curve. 1."""
    result = b.hint_quotient(numerator, denominator, label=label)
    b.enforce_product(result, denominator, numerator, label=label)
    return result


def multiple(b: Builder, scalar: Sequence[Bit], p: CurvePoint) -> CurvePoint:
    """scalar * p, the lowest bit first. 9 constraints a bit + 2: 1,154 for 128 bits.

    len(scalar) is even. With n = scalar | 1 of k bits, n = sum of t_i 2^i where t_(k-1) = 1 and
    t_i = 2 n_(i+1) - 1 otherwise, so two bits make a digit of -3, -1, 1, 3: from the top, double
    twice and add p or 3p with a sign. At the end p is taken off again where scalar was even.
    """
    if len(scalar) < 2 or len(scalar) % 2:
        raise ValueError(f"{len(scalar)} bits are not pairs")
    with b.scope("table"):
        triple = add(b, double(b, p), p)
    with b.scope("top digit"):
        total = _p_or_triple(b, scalar[-1], p, triple)
    for i in range(len(scalar) - 3, 0, -2):
        with b.scope(f"digit{i // 2}"):
            total = double(b, double(b, total), label="double again")
            digit = _signed_digit(b, scalar[i + 1], scalar[i], p, triple)
            total = add(b, total, digit)
    with b.scope("if even"):
        x = masked(b, ~scalar[0], -p.x, label="x")
        y = 1 + masked(b, ~scalar[0], p.y - 1, label="y")
        return add(b, total, CurvePoint(x, y))


def _p_or_triple(b: Builder, is_triple: Bit, p: CurvePoint, triple: CurvePoint) -> CurvePoint:
    """2 constraints."""
    return CurvePoint(
        select(b, is_triple, triple.x, p.x, label="x"),
        select(b, is_triple, triple.y, p.y, label="y"),
    )


def _signed_digit(b: Builder, high: Bit, low: Bit, p: CurvePoint, triple: CurvePoint) -> CurvePoint:
    """(2 (2 high - 1) + (2 low - 1)) * p. 4 constraints."""
    both = is_both(b, high, low, label="high and low")
    same = Bit((1 - high - low + 2 * both).terms)
    magnitude = _p_or_triple(b, same, p, triple)
    x = b.mul(2 * magnitude.x, high, -magnitude.x, label="x with sign")
    return CurvePoint(x, magnitude.y)
