"""Invariant: the compiled meaning of a tape's steps, equal to prover.r1cs.engine on every value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import (
    FR_ONE,
    FR_UNIT,
    FR_ZERO,
    add,
    inverse,
    load,
    mul,
    store,
    sub,
)
from prover.r1cs import product_sums
from prover.r1cs.product_sums import EMPTY, add_product, reduced

_Words = NDArray[np.uint64]
_Indices = NDArray[np.int32]

compiled = Compiler(__file__, product_sums.__file__)

PLUS_ONE, MINUS_ONE = 0, 1  # places of 1 and -1 in every table of coefficients
LINEAR, PRODUCT, QUOTIENT = 0, 1, 2  # as in prover.r1cs.template.Op; what is left is BITS
LONG = 6
"""From so many terms on, reducing their sum once costs less than reducing each product."""


@inner
def combine(
    values: _Words, number: int, start: _Indices, index: _Indices, factor: _Indices, table: _Words
) -> Any:
    """The sum of coefficient * value over the terms start[number]..start[number + 1]."""
    total, products = FR_ZERO, EMPTY
    first, end = start[number], start[number + 1]
    is_long = end - first >= LONG
    for k in range(first, end):
        value = load(values, index[k], FR_ZERO)
        place = factor[k]
        if place == PLUS_ONE:
            total = add(total, value)
        elif place == MINUS_ONE:
            total = sub(total, value)
        elif is_long:
            products = add_product(products, load(table, place, FR_ZERO), value)
        else:
            total = add(total, mul(load(table, place, FR_ZERO), value))
    if is_long:
        total = add(total, reduced(products))
    return total


@compiled("void(uint64[:,::1], int32[:,::1], int32[::1], int32[::1], int32[::1], uint64[:,::1])")
def run_steps(
    values: _Words,
    steps: _Indices,
    start: _Indices,
    index: _Indices,
    factor: _Indices,
    table: _Words,
) -> None:
    """Run the steps over one instance's values (uint64[n_values, 4]), in place.

    steps: int32[n, 7]: op, first, count, low, and the numbers of the combinations a, b, c.
    Combination i has the terms start[i]..start[i + 1]: indices of values and places in `table`.
    """
    for number in range(steps.shape[0]):
        op, first = steps[number, 0], steps[number, 1]
        a = combine(values, steps[number, 4], start, index, factor, table)
        if op == PRODUCT:
            if steps[number, 5] == steps[number, 4]:
                product = mul(a, a)
            else:
                b = combine(values, steps[number, 5], start, index, factor, table)
                product = mul(a, b)
            rest = combine(values, steps[number, 6], start, index, factor, table)
            store(values, first, add(product, rest))
        elif op == LINEAR:
            store(values, first, a)
        elif op == QUOTIENT:
            b = combine(values, steps[number, 5], start, index, factor, table)
            store(values, first, mul(a, inverse(b)))
        else:
            words = mul(a, FR_UNIT)
            low = steps[number, 3]
            for i in range(steps[number, 2]):
                bit = low + i
                word = words[0]
                if bit >= 192:
                    word = words[3]
                elif bit >= 128:
                    word = words[2]
                elif bit >= 64:
                    word = words[1]
                if bit < 256 and word >> np.uint64(bit & 63) & np.uint64(1):
                    store(values, first + i, FR_ONE)
                else:
                    store(values, first + i, FR_ZERO)
