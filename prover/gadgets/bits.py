"""Invariant: a Bit or Uint that leaves here has its range enforced by constraints.

Every width is at most 252 bits, so that sums and differences of two such numbers cannot wrap
around r; only `enforce_canonical_bits` looks at all 255 bits of an element.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.crypto.field import R
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint

MAX_BITS = 252
FIELD_BITS = 255
_CHUNK_BITS = 32


def enforce_bit(b: Builder, x: Lc | int, *, label: str = "is a bit") -> Bit:
    """x is 0 or 1. 1 constraint."""
    x = Lc.of(x)
    if x.constant is not None:
        return Bit(Uint.literal(x.constant, 1).terms)
    b.enforce_product(x, x - 1, 0, label=label)
    return Bit(x.terms)


def enforce_bits(b: Builder, x: Lc, count: int) -> list[Bit]:
    """The bits of x, the lowest first; x < 2^count <= 2^252. count + 1 constraints."""
    _check_width(count)
    bits = _free_bits(b, x, count)
    b.enforce_equal(uint_of_bits(bits), x, label="bits add up")
    return bits


def enforce_uint(b: Builder, x: Lc | int, bits: int) -> Uint:
    """x < 2^bits <= 2^252. `bits` constraints: the lowest bit is x minus the others."""
    _check_width(bits)
    x = Lc.of(x)
    if x.constant is not None:
        return Uint.literal(x.constant, bits)
    if bits == 1:
        return enforce_bit(b, x, label="bit0 is a bit")
    higher = [
        enforce_bit(b, bit, label=f"bit{i} is a bit")
        for i, bit in enumerate(b.hint_bits(x, bits - 1, low=1), start=1)
    ]
    lowest = Lc.total([(1, x), *((-(1 << i), bit) for i, bit in enumerate(higher, start=1))])
    enforce_bit(b, lowest, label="bit0 is a bit")
    return Uint(x.terms, bits)


def input_uint(b: Builder, name: str, bits: int) -> Uint:
    """A private input below 2^bits. `bits` constraints."""
    with b.scope(name):
        value = b.input("value")
        return enforce_uint(b, value, bits)


def input_bit(b: Builder, name: str) -> Bit:
    """A private input that is 0 or 1. 1 constraint."""
    return enforce_bit(b, b.input(name), label=f"{name} is a bit")


def unsafe_uint(x: Lc, bits: int) -> Uint:
    """x, taken to be below 2^bits. Leaves out that range check: say at the call who makes it."""
    _check_width(bits)
    return Uint(x.terms, bits)


def uint_of_bits(bits: Sequence[Bit]) -> Uint:
    """The number with these bits, the lowest first. Free."""
    _check_width(len(bits))
    return Uint(Lc.total((1 << i, bit) for i, bit in enumerate(bits)).terms, len(bits))


def pack(*parts: Uint) -> Uint:
    """The parts side by side, the first in the lowest bits, each as wide as it says. Free."""
    shift, terms = 0, []
    for part in parts:
        terms.append((1 << shift, part))
        shift += part.bits
    _check_pack(shift)
    return Uint(Lc.total(terms).terms, shift)


def enforce_canonical_bits(b: Builder, x: Lc) -> list[Bit]:
    """The 255 bits of x as an integer below r, the lowest first. 309 constraints.

    Without the comparison, x + r (for x < 2^255 - r) would have bits just as good.
    """
    bits = _free_bits(b, x, FIELD_BITS)
    b.enforce_equal(
        Lc.total((1 << i, bit) for i, bit in enumerate(bits)), x, label="bits add up mod r"
    )
    with b.scope("below r"):
        enforce_bits_below(b, bits, R)
    return bits


def enforce_bits_below(b: Builder, bits: Sequence[Bit], bound: int) -> None:
    """The integer with these bits (lowest first) is below the constant `bound`.

    3 m - 3 + 32 constraints for m > 1 chunks of 32 bits (53 for 225 to 256 bits).

    Chunks v_i are compared with the bound's c_i from the top. equal_i is 1 while all chunks above
    i are equal; the first chunk that differs turns it to 0 (next_i) and leaves its difference
    c_i - v_i, which has to lie in 1 .. 2^32:
      (v_i - c_i) * h_i = turn_i          v_i = c_i  =>  turn_i = 0
      equal_(i+1) * (v_i - c_i) = 0       v_i != c_i =>  equal_(i+1) = equal_i - turn_i = 0
      equal_i * (c_i - v_i) = difference_i
    """
    first = _first_difference(b, bits, bound)
    with b.scope("first difference"):
        enforce_uint(b, first - 1, _CHUNK_BITS)


def is_bits_below(b: Builder, bits: Sequence[Bit], bound: int, *, label: str = "below") -> Bit:
    """Whether the integer with these bits (lowest first) is below the constant `bound`.

    3 m - 3 + 33 constraints for m > 1 chunks of 32 bits (54 for 225 to 256 bits). The chunks are
    compared as in `enforce_bits_below`; the bit says whether the first difference, 0 where all are
    equal, is positive.
    """
    with b.scope(label):
        shifted = _first_difference(b, bits, bound) + ((1 << _CHUNK_BITS) - 1)
        (hint,) = b.hint_bits(shifted, 1, low=_CHUNK_BITS)
        below = enforce_bit(b, hint)
        with b.scope("rest"):
            enforce_uint(b, shifted - (1 << _CHUNK_BITS) * below, _CHUNK_BITS)
    return below


def _first_difference(b: Builder, bits: Sequence[Bit], bound: int) -> Lc:
    """c_i - v_i of the highest chunk in which bits and bound differ, 0 if there is none."""
    if not 0 < bound < 1 << len(bits):
        raise ValueError(f"{len(bits)} bits are always or never below {bound}")
    starts = range(0, len(bits), _CHUNK_BITS)
    equal, differences = Lc.of(1), []
    for i, start in reversed(list(enumerate(starts))):
        chunk = Lc.total((1 << j, bit) for j, bit in enumerate(bits[start : start + _CHUNK_BITS]))
        difference = (bound >> start & (1 << _CHUNK_BITS) - 1) - chunk
        differences.append(b.mul(difference, equal, label=f"difference{i}"))
        if i > 0:
            h = b.hint_quotient(equal, -difference, label=f"turn{i} hint")
            turn = b.mul(-difference, h, label=f"turn{i}")
            equal = equal - turn
            b.enforce_product(difference, equal, 0, label=f"equal{i} ends at a difference")
    return Lc.total((1, d) for d in differences)


def _free_bits(b: Builder, x: Lc, count: int) -> list[Bit]:
    hints = b.hint_bits(x, count)
    return [enforce_bit(b, bit, label=f"bit{i} is a bit") for i, bit in enumerate(hints)]


def _check_width(bits: int) -> None:
    if not 0 < bits <= MAX_BITS:
        raise ValueError(f"a width of {bits} bits is not in 1 .. {MAX_BITS}")


def _check_pack(bits: int) -> None:
    if bits > FIELD_BITS - 1:
        raise ValueError(f"{bits} bits do not fit one field element")
