"""Kernels that expose each operation on eight elements at once, eight pairs at a time."""

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
from protocol.crypto.lane_kernels import (
    all_lanes,
    any_lane,
    count_up,
    gather,
    indices,
    odd,
    scatter,
    select,
    spread,
)

compiled = Compiler(__file__)
Array = NDArray[np.uint64]
Indices = NDArray[np.int32]


@inner
def store_eight(results: Array, row: int, x: Any) -> None:
    scatter(results, count_up(8 * row, 8 * row + 8, 1, x), x)


@inner
def all_operations(operands: Array, results: Array, flags: Array, one: Any) -> None:
    a = gather(operands, count_up(0, 8, 1, one), one)
    b = gather(operands, count_up(8, 16, 1, one), one)
    store_eight(results, 0, add(a, b))
    store_eight(results, 1, sub(a, b))
    store_eight(results, 2, neg(a))
    store_eight(results, 3, mul(a, b))
    store_eight(results, 4, square(a))
    store_eight(results, 5, inverse(a))
    store_eight(results, 6, mul(raw_sub(a, b), b))
    store_eight(results, 7, mul(b, raw_sub(a, b)))
    store_eight(results, 8, select(equal(a, b), one, a))
    flags[0] = is_zero(a)
    flags[1] = equal(a, b)
    flags[2] = any_lane(is_zero(a))
    flags[3] = all_lanes(is_zero(a))


@inner
def permute(source: Array, numbers: Indices, to: Array, stop: int, kept: Array, one: Any) -> None:
    """to[i] = source[numbers[i]] for i < stop <= 8, negated for an odd i; kept: by its vectors."""
    index = indices(numbers, 0, stop, one)
    places = count_up(0, stop, 1, one)
    x = gather(source, index, one)
    store(kept, 0, x)
    x = load(kept, 0, one)
    scatter(to, places, select(odd(places), neg(x), x))


_OPERATIONS = "void(uint64[:,::1], uint64[:,::1], uint64[::1])"
_PERMUTE = "void(uint64[:,::1], int32[::1], uint64[:,::1], int64, uint64[:,::1])"


@compiled(_OPERATIONS)
def fr_operations(operands: Array, results: Array, flags: Array) -> None:
    all_operations(operands, results, flags, spread(FR_ONE))


@compiled(_OPERATIONS)
def fq_operations(operands: Array, results: Array, flags: Array) -> None:
    all_operations(operands, results, flags, spread(FQ_ONE))


@compiled(_OPERATIONS)
def fq2_operations(operands: Array, results: Array, flags: Array) -> None:
    all_operations(operands, results, flags, spread(FQ2_ONE))


@compiled(_PERMUTE)
def fr_permute(source: Array, numbers: Indices, to: Array, stop: int, kept: Array) -> None:
    permute(source, numbers, to, stop, kept, spread(FR_ONE))


@compiled(_PERMUTE)
def fq2_permute(source: Array, numbers: Indices, to: Array, stop: int, kept: Array) -> None:
    permute(source, numbers, to, stop, kept, spread(FQ2_ONE))
