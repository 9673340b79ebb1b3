"""Invariant: order is decided on integers whose widths their types carry, never on field elements.

n is the wider of the operands' widths, at most 252 bits.
"""

from __future__ import annotations

from prover.gadgets.bits import enforce_bit, enforce_uint
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint


def is_zero(b: Builder, x: Lc | int, *, label: str = "is zero") -> Bit:
    """Whether x = 0. 2 constraints: x * h = 1 - zero, x * zero = 0."""
    x = Lc.of(x)
    if x.constant is not None:
        return Bit(Uint.literal(int(x.constant == 0), 1).terms)
    h = b.hint_quotient(1, x, label=f"{label} inverse")
    zero = 1 - b.mul(x, h, label=f"{label} nonzero")
    b.enforce_product(x, zero, 0, label=label)
    return Bit(zero.terms)


def is_equal(b: Builder, x: Lc | int, y: Lc | int, *, label: str = "is equal") -> Bit:
    """Whether x = y. 2 constraints."""
    return is_zero(b, Lc.of(x) - y, label=label)


def enforce_nonzero(b: Builder, x: Lc, *, label: str = "nonzero") -> None:
    """x is not 0. 1 constraint."""
    b.enforce_product(x, b.hint_quotient(1, x, label=f"{label} inverse"), 1, label=label)


def is_less(b: Builder, x: Uint, y: Uint, *, label: str = "is less") -> Bit:
    """Whether x < y. n + 1 constraints: bit n of 2^n + y - x - 1, the others being its rest."""
    n = max(x.bits, y.bits)
    with b.scope(label):
        shifted = y - x + ((1 << n) - 1)
        (hint,) = b.hint_bits(shifted, 1, low=n)
        less = enforce_bit(b, hint)
        with b.scope("rest"):
            enforce_uint(b, shifted - (1 << n) * less, n)
    return less


def is_at_most(b: Builder, x: Uint, y: Uint, *, label: str = "is at most") -> Bit:
    """Whether x <= y. n + 1 constraints."""
    return ~is_less(b, y, x, label=label)


def enforce_less(b: Builder, x: Uint, y: Uint, *, label: str = "less") -> None:
    """x < y. n constraints."""
    with b.scope(label):
        enforce_uint(b, y - x - 1, max(x.bits, y.bits))


def enforce_at_most(b: Builder, x: Uint, y: Uint, *, label: str = "at most") -> None:
    """x <= y. n constraints."""
    with b.scope(label):
        enforce_uint(b, y - x, max(x.bits, y.bits))


def enforce_difference(b: Builder, x: Uint, y: Uint, *, label: str = "difference") -> Uint:
    """x - y, which must not be negative. x.bits constraints."""
    with b.scope(label):
        return enforce_uint(b, x - y, x.bits)


def enforce_sum(b: Builder, x: Uint, y: Uint, bits: int, *, label: str = "sum") -> Uint:
    """x + y, which must be below 2^bits. `bits` constraints, none if it cannot be more."""
    total = sum_of(x, y)
    if total.bits <= bits:
        return total
    with b.scope(label):
        return enforce_uint(b, total, bits)


def sum_of(x: Uint, y: Uint) -> Uint:
    """x + y, one bit wider than the wider of them. Free."""
    return _checked(x + y, max(x.bits, y.bits) + 1)


def product_of(b: Builder, x: Uint, y: Uint, *, label: str = "product") -> Uint:
    """x * y, as wide as both together. 1 constraint."""
    return _checked(b.mul(x, y, label=label), x.bits + y.bits)


def _checked(value: Lc, bits: int) -> Uint:
    if bits > 252:
        raise ValueError(f"the result of {bits} bits may wrap around r")
    return Uint(value.terms, bits)
