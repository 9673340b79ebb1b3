"""Invariant: sparse rows times a vector of Fr, and their transpose, for ranges of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler
from protocol.crypto.kernels import FR_ONE, FR_ZERO, add, equal, load, mul, store

compiled = Compiler(__file__)
Array = NDArray[np.uint64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]


@compiled(
    "void(Array(int64, 1, 'C', readonly=True), Array(int32, 1, 'C', readonly=True), "
    "Array(int32, 1, 'C', readonly=True), Array(uint64, 2, 'C', readonly=True), "
    "Array(uint64, 2, 'C', readonly=True), uint64[:,::1], int64, int64)"
)
def multiply_rows(
    indptr: Int64,
    wire: Int32,
    coefficient: Int32,
    coefficients: Array,
    witness: Array,
    result: Array,
    start: int,
    stop: int,
) -> None:
    """result[row] = sum of coefficients[coefficient] * witness[wire] for start <= row < stop."""
    for row in range(start, stop):
        total = FR_ZERO
        for entry in range(indptr[row], indptr[row + 1]):
            value = load(witness, wire[entry], FR_ONE)
            total = add(total, mul(value, load(coefficients, coefficient[entry], FR_ONE)))
        store(result, row, total)


@compiled(
    "void(Array(int64, 1, 'C', readonly=True), Array(int32, 1, 'C', readonly=True), "
    "Array(int32, 1, 'C', readonly=True), Array(uint64, 2, 'C', readonly=True), "
    "uint64[:,::1], uint64[:,::1])"
)
def multiply_columns(
    indptr: Int64,
    wire: Int32,
    coefficient: Int32,
    coefficients: Array,
    vector: Array,
    result: Array,
) -> None:
    """result[wire] += coefficients[coefficient] * vector[row] for each entry of each row."""
    for row in range(indptr.shape[0] - 1):
        factor = load(vector, row, FR_ONE)
        for entry in range(indptr[row], indptr[row + 1]):
            term = mul(factor, load(coefficients, coefficient[entry], FR_ONE))
            column = wire[entry]
            store(result, column, add(load(result, column, FR_ONE), term))


@compiled("int64(uint64[:,::1], uint64[:,::1], uint64[:,::1], int64)")
def first_difference(a: Array, b: Array, c: Array, rows: int) -> int:
    """The first row below `rows` with a * b != c, or -1."""
    for row in range(rows):
        product = mul(load(a, row, FR_ONE), load(b, row, FR_ONE))
        if not equal(product, load(c, row, FR_ONE)):
            return row
    return -1
