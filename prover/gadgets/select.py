"""Invariant: choosing by a Bit costs one constraint a choice and never leaves the choice open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint


@overload
def select(b: Builder, bit: Bit, x: Uint, y: Uint, *, label: str = ...) -> Uint: ...
@overload
def select(b: Builder, bit: Bit, x: Lc | int, y: Lc | int, *, label: str = ...) -> Lc: ...
def select(b: Builder, bit: Bit, x: Lc | int, y: Lc | int, *, label: str = "select") -> Lc:
    """x where bit is 1, else y; a Uint of the wider width if both are. 1 constraint."""
    x, y = Lc.of(x), Lc.of(y)
    chosen = b.mul(x - y, bit, y, label=label)
    if isinstance(x, Uint) and isinstance(y, Uint):
        return Uint(chosen.terms, max(x.bits, y.bits))
    return chosen


@overload
def masked(b: Builder, bit: Bit, x: Uint, *, label: str = ...) -> Uint: ...
@overload
def masked(b: Builder, bit: Bit, x: Lc | int, *, label: str = ...) -> Lc: ...
def masked(b: Builder, bit: Bit, x: Lc | int, *, label: str = "masked") -> Lc:
    """x where bit is 1, else 0; a Uint if x is one. 1 constraint."""
    product = b.mul(x, bit, label=label)
    return Uint(product.terms, x.bits) if isinstance(x, Uint) else product


def swap(b: Builder, bit: Bit, x: Lc, y: Lc, *, label: str = "swap") -> tuple[Lc, Lc]:
    """(y, x) where bit is 1, else (x, y). 1 constraint."""
    moved = b.mul(y - x, bit, label=label)
    return x + moved, y - moved


def mux4(b: Builder, low: Bit, high: Bit, values: Sequence[Lc | int], *, label: str = "mux4") -> Lc:
    """values[low + 2 high]. 3 constraints."""
    v0, v1, v2, v3 = values
    upper = select(b, low, v3, v2, label=f"{label} upper")
    lower = select(b, low, v1, v0, label=f"{label} lower")
    return select(b, high, upper, lower, label=label)


def is_both(b: Builder, x: Bit, y: Bit, *, label: str = "both") -> Bit:
    """x and y. 1 constraint."""
    return Bit(b.mul(x, y, label=label).terms)


def is_either(b: Builder, x: Bit, y: Bit, *, label: str = "either") -> Bit:
    """x or y or both. 1 constraint."""
    return Bit((x + y - b.mul(x, y, label=label)).terms)


def is_exactly_one(b: Builder, x: Bit, y: Bit, *, label: str = "exactly one") -> Bit:
    """x or y, not both. 1 constraint."""
    return Bit((x + y - b.mul(2 * x, y, label=label)).terms)


def enforce_equal_if(
    b: Builder, bit: Bit, x: Lc | int, y: Lc | int, *, label: str = "equal if"
) -> None:
    """x = y where bit is 1. 1 constraint; none where bit is the constant 0."""
    if bit.constant != 0:
        b.enforce_product(Lc.of(x) - y, bit, 0, label=label)
