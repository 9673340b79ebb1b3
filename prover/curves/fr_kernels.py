"""Invariant: each kernel does to arrays of Fr elements (uint64[n, 4]) what its name says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler
from protocol.crypto.kernels import (
    FR_ONE,
    FR_RADIX_SQUARED,
    FR_UNIT,
    add,
    inverse,
    is_zero,
    load,
    mul,
    store,
    sub,
)

compiled = Compiler(__file__)
Array = NDArray[np.uint64]


@compiled("void(Array(uint64, 2, 'C', readonly=True), uint64[:,::1])")
def enter_montgomery(numbers: Array, elements: Array) -> None:
    """elements[i] = numbers[i] * 2^256 mod r, for any 256-bit numbers."""
    for i in range(numbers.shape[0]):
        store(elements, i, mul(load(numbers, i, FR_ONE), FR_RADIX_SQUARED))


@compiled("void(Array(uint64, 2, 'C', readonly=True), uint64[:,::1])")
def leave_montgomery(elements: Array, numbers: Array) -> None:
    """numbers[i] = elements[i] / 2^256 mod r, below r."""
    for i in range(elements.shape[0]):
        store(numbers, i, mul(load(elements, i, FR_ONE), FR_UNIT))


@compiled("void(uint64[:,::1], Array(uint64, 2, 'C', readonly=True), int64, int64)")
def multiply_by(elements: Array, factors: Array, start: int, stop: int) -> None:
    """elements[i] *= factors[i] for start <= i < stop."""
    for i in range(start, stop):
        store(elements, i, mul(load(elements, i, FR_ONE), load(factors, i, FR_ONE)))


@compiled("void(uint64[:,::1], uint64[:,::1], uint64[:,::1], int64, int64)")
def multiply_subtract(a: Array, b: Array, c: Array, start: int, stop: int) -> None:
    """a[i] = a[i] * b[i] - c[i] for start <= i < stop."""
    for i in range(start, stop):
        product = mul(load(a, i, FR_ONE), load(b, i, FR_ONE))
        store(a, i, sub(product, load(c, i, FR_ONE)))


@compiled("void(uint64[:,::1], uint64[:,::1])")
def double_up(table: Array, steps: Array) -> None:
    """table[0] is given; table[2^j + i] = table[i] * steps[j] for i < 2^j: all 2^len(steps)."""
    size = 1
    for j in range(steps.shape[0]):
        step = load(steps, j, FR_ONE)
        for i in range(size):
            store(table, size + i, mul(load(table, i, FR_ONE), step))
        size *= 2


@compiled("void(uint64[:,::1], uint64[:,::1], int64, int64)")
def invert(elements: Array, scratch: Array, start: int, stop: int) -> None:
    """elements[i] = 1 / elements[i] for start <= i < stop, zeros stay; one inversion for all.

    scratch: uint64[n, 4], overwritten in the same range. Ref: Montgomery's trick.
    """
    product = FR_ONE
    for i in range(start, stop):
        store(scratch, i, product)
        element = load(elements, i, FR_ONE)
        if not is_zero(element):
            product = mul(product, element)
    product = inverse(product)
    for i in range(stop - 1, start - 1, -1):
        element = load(elements, i, FR_ONE)
        if not is_zero(element):
            store(elements, i, mul(product, load(scratch, i, FR_ONE)))
            product = mul(product, element)


@compiled("void(uint64[:,::1], uint64[:,::1])")
def subtract_from(minuend: Array, elements: Array) -> None:
    """elements[i] = minuend[0] - elements[i]."""
    first = load(minuend, 0, FR_ONE)
    for i in range(elements.shape[0]):
        store(elements, i, sub(first, load(elements, i, FR_ONE)))


@compiled("void(uint64[:,::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], int64, int64)")
def combine(u: Array, v: Array, w: Array, factors: Array, start: int, stop: int) -> None:
    """w[i] = (factors[0] u[i] + factors[1] v[i] + w[i]) factors[2] for start <= i < stop."""
    for i in range(start, stop):
        total = add(
            mul(load(factors, 0, FR_ONE), load(u, i, FR_ONE)),
            mul(load(factors, 1, FR_ONE), load(v, i, FR_ONE)),
        )
        total = add(total, load(w, i, FR_ONE))
        store(w, i, mul(total, load(factors, 2, FR_ONE)))
