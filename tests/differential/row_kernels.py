"""Rows of one template over its values, until one fails: what a check of a whole circuit does,
without joining instances, and without multiplying by 1 and -1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler
from protocol.crypto.kernels import equal, mul
from prover.r1cs import product_sums, tape_kernels
from prover.r1cs.tape_kernels import combine

compiled = Compiler(__file__, tape_kernels.__file__, product_sums.__file__)
Words = NDArray[np.uint64]
Indices = NDArray[np.int32]


@compiled(
    "int64(int32[::1], uint64[:,::1], int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], "
    "int32[::1], int32[::1], int32[::1], int32[::1], uint64[:,::1])"
)
def first_failing_row(
    rows: Indices,
    values: Words,
    a_start: Indices,
    a_index: Indices,
    a_factor: Indices,
    b_start: Indices,
    b_index: Indices,
    b_factor: Indices,
    c_start: Indices,
    c_index: Indices,
    c_factor: Indices,
    table: Words,
) -> int:
    """The first of these rows with a * b != c, or -1.

    Row i of a has the terms a_start[i]..a_start[i + 1].
    """
    for place in range(rows.shape[0]):
        number = rows[place]
        a = combine(values, number, a_start, a_index, a_factor, table)
        b = combine(values, number, b_start, b_index, b_factor, table)
        c = combine(values, number, c_start, c_index, c_factor, table)
        if not equal(mul(a, b), c):
            return int(number)
    return -1
