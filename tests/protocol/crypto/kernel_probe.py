"""Kernels that expose each field operation to the tests, one element or pair at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import (
    FQ2_ONE,
    FQ_ONE,
    FR_ONE,
    add,
    equal,
    inverse,
    is_zero,
    load,
    mul,
    neg,
    raw_sub,
    square,
    store,
    sub,
)

compiled = Compiler(__file__)
Array = NDArray[np.uint64]


@inner
def all_operations(operands: Array, results: Array, flags: Array, one: Any) -> None:
    a = load(operands, 0, one)
    b = load(operands, 1, one)
    store(results, 0, add(a, b))
    store(results, 1, sub(a, b))
    store(results, 2, neg(a))
    store(results, 3, mul(a, b))
    store(results, 4, square(a))
    store(results, 5, inverse(a))
    store(results, 6, mul(raw_sub(a, b), b))
    flags[0] = is_zero(a)
    flags[1] = equal(a, b)


@compiled("void(Array(uint64, 2, 'C', readonly=True), uint64[:,::1], uint64[::1])")
def fr_operations(operands: Array, results: Array, flags: Array) -> None:
    all_operations(operands, results, flags, FR_ONE)


@compiled("void(Array(uint64, 2, 'C', readonly=True), uint64[:,::1], uint64[::1])")
def fq_operations(operands: Array, results: Array, flags: Array) -> None:
    all_operations(operands, results, flags, FQ_ONE)


@compiled("void(Array(uint64, 2, 'C', readonly=True), uint64[:,::1], uint64[::1])")
def fq2_operations(operands: Array, results: Array, flags: Array) -> None:
    all_operations(operands, results, flags, FQ2_ONE)


@compiled("uint64(uint64[:,::1])")
def flag_of_zero(elements: Array) -> int:
    return 1 if is_zero(load(elements, 0, FR_ONE)) else 0
