"""Invariant: a condition that is off demands nothing, and one that is on leaves no way out.

The names follow the gadgets: `enforce_x_if(bit, ...)` demands x where bit is 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.crypto.poseidon import Tag
from prover.gadgets.poseidon import permute
from prover.gadgets.select import enforce_equal_if, is_both
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc


def one_of(*bits: Bit) -> Bit:
    """Whether one of them is 1, for bits of which at most one ever is (a one-hot's). Free."""
    return Bit(Lc.total((1, bit) for bit in bits).terms)


def all_of(b: Builder, first: Bit, *others: Bit, label: str) -> Bit:
    """Whether all of them are 1. A constraint for each but the first."""
    result = first
    for i, other in enumerate(others):
        result = is_both(b, result, other, label=f"{label} {i}" if len(others) > 1 else label)
    return result


def enforce_zero_if(b: Builder, bit: Bit, *values: Lc, label: str) -> None:
    """Each value is 0 where bit is 1. A constraint each."""
    for i, value in enumerate(values):
        enforce_equal_if(b, bit, value, 0, label=f"{label} {i}" if len(values) > 1 else label)


def enforce_nonzero_if(b: Builder, bit: Bit, x: Lc, *, label: str) -> None:
    """x is not 0 where bit is 1. 1 constraint: x * h = bit.

    Where bit is 0 and x is 0 the hint h is free; nothing else uses it.
    """
    b.enforce_product(b.hint_quotient(bit, x, label=f"{label} inverse"), x, bit, label=label)


def tagged_hash4(b: Builder, tag: Lc, inputs: Sequence[Lc | int], *, label: str) -> Lc:
    """H4(tag; inputs) for a tag that is chosen by wires. 300 constraints."""
    x0, x1, x2, x3 = inputs
    with b.scope(label):
        return permute(b, [tag, *map(Lc.of, (x0, x1, x2, x3))])[1]


def tag_of(choices: Sequence[tuple[Bit, Tag]]) -> Lc:
    """The tag whose bit is 1, 0 if none is. Free."""
    return Lc.total((int(tag), bit) for bit, tag in choices)
