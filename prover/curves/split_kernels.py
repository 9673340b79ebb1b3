"""Invariant: the parts of a scalar, and the digits of a part, stand for that scalar mod r.

An endomorphism multiplies points by a power of Z, almost for free, so a scalar is written to the
base Z^2 (G1, 2 parts of 2 words) or Z (G2, 4 parts of 1 word), with signed parts of at most half
the base. r = Z^4 - Z^2 + 1. Parts are in two's complement, least significant word first.
Ref: ePrint 2008/194 (GLS); Moeller, Granlund, "Improved division by invariant integers", 2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field_code import FR
from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import FR_ONE, FR_UNIT, load, mul, mul_high, neg, store

compiled = Compiler(__file__)
Words = NDArray[np.uint64]
Digits = NDArray[np.int16]

PART_WORDS = 4
"""Words of all parts of a scalar."""
SCALAR_BITS = 256
"""Of all parts of a scalar, signs included."""
MIN_BITS = 3
"""Digits of fewer bits reach not quite half of the base."""

_Z = np.uint64(0xD201000000010000)
_RECIPROCAL = np.uint64(((1 << 128) - 1) // int(_Z) - (1 << 64))
_HALF_Z = _Z >> np.uint64(1)
_SQUARE_LOW, _SQUARE_HIGH = (np.uint64(int(_Z) ** 2 >> 64 * i & (1 << 64) - 1) for i in (0, 1))
_HALF_LOW, _HALF_HIGH = (np.uint64(int(_Z) ** 2 // 2 >> 64 * i & (1 << 64) - 1) for i in (0, 1))
_HALF_R = FR.words((FR.modulus - 1) // 2)
_W0, _W1, _ONES = np.uint64(0), np.uint64(1), np.uint64((1 << 64) - 1)
_SMALL = np.uint64(1 << 15)


@inner
def exceeds_half(number: Words) -> bool:
    """Whether the number in number[0] is above (r - 1) / 2."""
    for i in range(3, -1, -1):
        if number[0, i] != _HALF_R[i]:
            return bool(number[0, i] > _HALF_R[i])
    return False


@inner
def divide(number: Words, words: int) -> np.uint64:
    """Divide the number in number[0, :words] by Z in place; the remainder."""
    rest = _W0
    for i in range(words - 1, -1, -1):
        low = number[0, i]
        lower = _RECIPROCAL * rest + low
        quotient = mul_high(_RECIPROCAL, rest) + rest + _W1
        if lower < low:
            quotient += _W1
        rest = low - quotient * _Z
        if rest > lower:
            quotient -= _W1
            rest += _Z
        if rest >= _Z:
            quotient += _W1
            rest -= _Z
        number[0, i] = quotient
    return rest


@inner
def is_wide(low: np.uint64, high: np.uint64) -> bool:
    """Whether a part of two words needs more than 16 bits."""
    lifted = low + _SMALL
    carry = _W1 if lifted < low else _W0
    return bool(high + carry != _W0 or lifted >> np.uint64(16) != _W0)


@inner
def negate(parts: Words, i: int, first: int, words: int) -> None:
    """Two's complement of parts[i, first : first + words]."""
    carry = _W1
    for k in range(first, first + words):
        parts[i, k] = ~parts[i, k] + carry
        carry = _W1 if carry == _W1 and parts[i, k] == _W0 else _W0


@inner
def store_quarters(parts: Words, i: int, digits: Words) -> None:
    """Base Z: digits[0] with each digit brought to at most half of Z."""
    carry = _W0
    for k in range(4):
        digit = digits[0, k] + carry
        carry = _W1 if digit > _HALF_Z else _W0
        parts[i, k] = digit - _Z if carry == _W1 else digit


@inner
def store_halves(parts: Words, i: int, digits: Words) -> None:
    """Base Z^2: pairs of digits[0], the lower brought to at most half of Z^2."""
    carry = _W0
    for k in range(0, 4, 2):
        low = digits[0, k + 1] * _Z
        high = mul_high(digits[0, k + 1], _Z)
        for more in (digits[0, k], carry):
            low += more
            high += _W1 if low < more else _W0
        carry = _W0
        if high > _HALF_HIGH or (high == _HALF_HIGH and low > _HALF_LOW):
            carry = _W1
            high -= _SQUARE_HIGH + (_W1 if low < _SQUARE_LOW else _W0)
            low -= _SQUARE_LOW
        parts[i, k], parts[i, k + 1] = low, high


@compiled("int64(uint64[:,::1], uint64[:,::1], int64, int64, int64)")
def split(scalars: Words, parts: Words, n_parts: int, start: int, stop: int) -> int:
    """Write parts[i] of scalars[i] for start <= i < stop; how many parts need more than 16 bits.

    scalars: elements of Fr in Montgomery form. parts: uint64[n, 4]; n_parts: 2 or 4. A scalar
    above r / 2 stands as minus its negative, so that a small negative number has small parts.
    """
    number = np.empty((1, 4), dtype=np.uint64)
    digits = np.empty((1, 4), dtype=np.uint64)
    words = PART_WORDS // n_parts
    wide = 0
    for i in range(start, stop):
        store(number, 0, mul(load(scalars, i, FR_ONE), FR_UNIT))
        negative = exceeds_half(number)
        if negative:
            store(number, 0, neg(load(number, 0, FR_ONE)))
        for k in range(3):
            digits[0, k] = divide(number, 4 - k)
        digits[0, 3] = number[0, 0]
        if n_parts == 2:
            store_halves(parts, i, digits)
        else:
            store_quarters(parts, i, digits)
        for first in range(0, PART_WORDS, words):
            if negative:
                negate(parts, i, first, words)
            top = parts[i, first + words - 1]
            sign = _ONES if top >> np.uint64(63) == _W1 else _W0
            wide += is_wide(parts[i, first], top if words == 2 else sign)
    return wide


@compiled("void(uint64[:,::1], int64, int16[:,:,::1], int64, int64)")
def part_digits(parts: Words, bits: int, digits: Digits, start: int, stop: int) -> None:
    """sum over w of digits[w, p, i] 2^(bits w) = part p of parts[i], for start <= i < stop.

    digits: int16[n_windows, n_parts, n], each in -2^(bits - 1) .. 2^(bits - 1) - 1; n_windows
    * bits at least 256 / n_parts.
    """
    n_windows, n_parts = digits.shape[:2]
    words = PART_WORDS // n_parts
    mask = (_W1 << np.uint64(bits)) - _W1
    for i in range(start, stop):
        for part in range(n_parts):
            first, last = part * words, part * words + words - 1
            beyond = _ONES if parts[i, last] >> np.uint64(63) == _W1 else _W0
            carry = 0
            for w in range(n_windows):
                word, shift = first + (bits * w >> 6), bits * w & 63
                window = (parts[i, word] if word <= last else beyond) >> np.uint64(shift)
                if shift + bits > 64:
                    above = parts[i, word + 1] if word < last else beyond
                    window |= above << np.uint64(64 - shift)
                digit = np.int64(window & mask) + carry
                carry = 0
                if digit >= 1 << (bits - 1):
                    digit -= 1 << bits
                    carry = 1
                digits[w, part, i] = digit
