"""Invariant: the three vectors A w, B w, C w of a system and a witness, on all processors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from prover.curves.parallel import ranges, run_all, worker_count
from prover.r1cs.product_kernels import first_difference, multiply_rows
from prover.r1cs.system import R1CS, Matrix

Elements = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """A w, B w and C w, uint64[size, 4] each; rows beyond the constraints are 0."""

    a: Elements
    b: Elements
    c: Elements
    n_constraints: int

    def first_unsatisfied_row(self) -> int | None:
        row = first_difference(self.a, self.b, self.c, self.n_constraints)
        return None if row < 0 else int(row)


def products(r1cs: R1CS, witness: Elements, size: int | None = None) -> Products:
    """The products over `size` rows (default: as many as there are constraints).

    The witness must have passed r1cs.check_shape.
    """
    rows = r1cs.n_constraints if size is None else size
    a, b, c = (np.zeros((rows, 4), dtype=np.uint64) for _ in range(3))

    def task(matrix: Matrix, result: Elements, start: int, stop: int) -> None:
        multiply_rows(
            matrix.indptr,
            matrix.wire,
            matrix.coefficient,
            r1cs.coefficients,
            witness,
            result,
            start,
            stop,
        )

    pieces = ranges(r1cs.n_constraints, 4 * worker_count())
    pairs = ((r1cs.a, a), (r1cs.b, b), (r1cs.c, c))
    run_all([partial(task, *pair, *piece) for pair in pairs for piece in pieces])
    return Products(a, b, c, r1cs.n_constraints)
