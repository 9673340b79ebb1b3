"""Invariant: n G for the generator G of the large subgroup and whatever bits of n, n < 2^252.

Digits n_i to the base 8 choose (2 n_i + 1) 8^i H, H = G / 2, out of tables: together n G + K H with
K = (8^k - 1) / 7, a constant that the last table takes off. All but the last are added in
Montgomery's form B v^2 = u^3 + A u^2 + u of the curve, at half the price of a complete addition.
That form has exceptions, points that are equal or opposite, and none comes up: before window i > 0
the sum is a H with a odd, the entry is e H with e even, and 0 < a + e < 18 * 8^82 < l. So a - e and
a + e, odd and smaller than l, are no multiples of l. Ref: docs/statements.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from protocol.crypto import jubjub as plain
from protocol.crypto.field import R
from protocol.crypto.jubjub import GENERATOR, SUBGROUP_ORDER, D
from prover.gadgets.jubjub import CurvePoint, add, quotient
from prover.gadgets.select import is_both
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc

_WINDOW = 3
MAX_WINDOWS = 84
_A = 2 * (D - 1) * pow(-1 - D, -1, R) % R
_B = 4 * pow(-1 - D, -1, R) % R

_Pair = tuple[Lc, Lc]
"""(u, v) of Montgomery's form, or (x, y)."""


def generator_multiple(b: Builder, scalar: Sequence[Bit]) -> CurvePoint:
    """scalar * G, the lowest bit first. 6 constraints a window of 3 bits, and 2: 506 for 252 bits.

    len(scalar) is a multiple of 3, at most 252.
    """
    windows = len(scalar) // _WINDOW
    if not 0 < windows <= MAX_WINDOWS or len(scalar) % _WINDOW:
        raise ValueError(f"{len(scalar)} bits are not 1 to {MAX_WINDOWS} windows of {_WINDOW}")
    total: _Pair | None = None
    for i in range(windows - 1):
        with b.scope(f"window{i}"):
            entry = _look_up(b, scalar[_WINDOW * i : _WINDOW * (i + 1)], _montgomery_entries(i))
            total = entry if total is None else _add(b, total, entry)
    with b.scope(f"window{windows - 1}"):
        last = CurvePoint(*_look_up(b, scalar[-_WINDOW:], _last_entries(windows - 1)))
        return last if total is None else add(b, _as_edwards(b, total), last)


def _add(b: Builder, p: _Pair, q: _Pair) -> _Pair:
    """p + q, neither equal nor opposite. 3 constraints."""
    (u1, v1), (u2, v2) = p, q
    slope = quotient(b, v2 - v1, u2 - u1, "slope")
    u3 = b.mul(_B * slope, slope, -u1 - u2 - _A, label="u3")
    return u3, b.mul(u1 - u3, slope, -v1, label="v3")


def _as_edwards(b: Builder, p: _Pair) -> CurvePoint:
    """The same point, not of order 1 or 2: v is not 0 and u is never -1. 2 constraints."""
    u, v = p
    return CurvePoint(quotient(b, u, v, "Edwards x"), quotient(b, u - 1, u + 1, "Edwards y"))


def _look_up(b: Builder, bits: Sequence[Bit], table: Sequence[tuple[int, int]]) -> tuple[Lc, Lc]:
    """table[bit0 + 2 bit1 + 4 bit2]. 3 constraints."""
    bit0, bit1, bit2 = bits
    both = is_both(b, bit1, bit2, label="bit1 and bit2")

    def among(values: Sequence[int]) -> Lc:
        """values[bit1 + 2 bit2], for constants."""
        v0, v1, v2, v3 = values
        return Lc.total(((v0, 1), (v1 - v0, bit1), (v2 - v0, bit2), (v3 - v2 - v1 + v0, both)))

    def chosen(values: Sequence[int], label: str) -> Lc:
        even, odd = values[::2], values[1::2]
        steps = [high - low for low, high in zip(even, odd, strict=True)]
        return b.mul(among(steps), bit0, among(even), label=label)

    firsts, seconds = zip(*table, strict=True)
    return chosen(firsts, "first"), chosen(seconds, "second")


def _times_half(multiple: int) -> plain.Point:
    """multiple * H."""
    return plain.multiply(multiple * pow(2, -1, SUBGROUP_ORDER) % SUBGROUP_ORDER, GENERATOR)


@lru_cache
def _montgomery_entries(i: int) -> tuple[tuple[int, int], ...]:
    """(2 n + 1) 8^i H for n = 0 .. 7, as (u, v)."""
    return tuple(_montgomery(_times_half((2 * n + 1) << _WINDOW * i)) for n in range(8))


def _montgomery(p: plain.Point) -> tuple[int, int]:
    u = (1 + p.y) * pow(1 - p.y, -1, R) % R
    return u, u * pow(p.x, -1, R) % R


@lru_cache
def _last_entries(i: int) -> tuple[tuple[int, int], ...]:
    """((2 n + 1) 8^i - K) H for n = 0 .. 7, as (x, y); K = 1 + 8 + ... + 8^i."""
    taken_off = ((8 << _WINDOW * i) - 1) // 7
    points = (_times_half(((2 * n + 1) << _WINDOW * i) - taken_off) for n in range(8))
    return tuple((p.x, p.y) for p in points)
