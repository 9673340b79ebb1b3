"""Invariant: the signed digits of a scalar, weighted, add up to it mod r."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field_code import FR
from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import FR_ONE, FR_UNIT, is_zero, load, mul, neg, store

compiled = Compiler(__file__)
Scalars = NDArray[np.uint64]
Digits = NDArray[np.int32]

SCALAR_BITS = 254
"""Of a scalar's magnitude, after negation if that is smaller."""

_HALF = FR.words((FR.modulus - 1) // 2)
_W0, _W1 = np.uint64(0), np.uint64(1)


@inner
def exceeds_half(words: Scalars, row: int) -> bool:
    """Whether the number in words[row] is above (r - 1) / 2."""
    for i in range(3, -1, -1):
        if words[row, i] != _HALF[i]:
            return bool(words[row, i] > _HALF[i])
    return False


@inner
def recode(scalars: Scalars, bits: int, digits: Digits, i: int, words: Scalars, row: int) -> None:
    """signed_digits of scalars[i] alone; words[row] is overwritten and may be scalars[i]."""
    mask = (_W1 << np.uint64(bits)) - _W1
    element = load(scalars, i, FR_ONE)
    if is_zero(element):
        for w in range(digits.shape[0]):
            digits[w, i] = 0
        return
    store(words, row, mul(element, FR_UNIT))
    sign = 1
    if exceeds_half(words, row):
        store(words, row, mul(neg(element), FR_UNIT))
        sign = -1
    carry = 0
    for w in range(digits.shape[0]):
        word, shift = bits * w >> 6, bits * w & 63
        window = words[row, word] >> np.uint64(shift)
        if shift + bits > 64 and word < 3:
            window |= words[row, word + 1] << np.uint64(64 - shift)
        digit = np.int64(window & mask) + carry
        carry = 0
        if digit > 1 << (bits - 1):
            digit -= 1 << bits
            carry = 1
        digits[w, i] = sign * digit


@compiled("void(uint64[:,::1], int64, int32[:,::1], int64, int64)")
def signed_digits(scalars: Scalars, bits: int, digits: Digits, start: int, stop: int) -> None:
    """sum over w of digits[w, i] 2^(bits w) = scalars[i] mod r, for start <= i < stop.

    scalars: elements of Fr in Montgomery form. digits: int32[254 // bits + 1, n], each in
    -2^(bits - 1) .. 2^(bits - 1). A scalar above r / 2 stands as minus its negative, so that
    254 bits do and small negative numbers have few digits.
    """
    words = np.empty((1, 4), dtype=np.uint64)
    for i in range(start, stop):
        recode(scalars, bits, digits, i, words, 0)
