"""A satisfiable circuit of any size for the prover's benches: like a batch circuit, but random.

Two thirds of the wires are full-size products of sums of three earlier wires, a third are bits.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import from_ints
from prover.r1cs.system import R1CS, Matrix

N_PUBLIC = 7
_TERMS = 3


def bench_circuit(log_size: int) -> tuple[R1CS, NDArray[np.uint64]]:
    """A circuit that fills a domain of 2^log_size, and its witness."""
    rng = random.Random(log_size)
    n_constraints = (1 << log_size) - N_PUBLIC - 1
    first = 1 + N_PUBLIC + 8
    values = [1, *(rng.randrange(R) for _ in range(first - 1))]
    coefficients = [1, R - 1, 0, *(rng.randrange(R) for _ in range(13))]
    a_wire = np.zeros((n_constraints, _TERMS), dtype=np.int32)
    b_wire = np.zeros((n_constraints, _TERMS), dtype=np.int32)
    a_term = np.zeros_like(a_wire)
    b_term = np.zeros_like(b_wire)
    c_term = np.zeros(n_constraints, dtype=np.int32)
    for i in range(n_constraints):
        new = first + i
        if i % 3 == 0:  # new is a bit: new * (new - 1) = 0
            a_wire[i], a_term[i] = (new, 0, 0), (0, 2, 2)
            b_wire[i], b_term[i] = (new, 0, 0), (0, 1, 2)
            c_term[i] = 2
            values.append(rng.randrange(2))
            continue
        left, right = (rng.sample(range(max(0, new - 1000), new), _TERMS) for _ in range(2))
        if i < 3 * N_PUBLIC:
            left[0] = 1 + i // 3
        left_terms, right_terms = (rng.choices((0, 0, 1, 3 + i % 13), k=_TERMS) for _ in range(2))
        a_wire[i], a_term[i] = left, left_terms
        b_wire[i], b_term[i] = right, right_terms
        sums = [
            sum(values[w] * coefficients[t] for w, t in zip(wires, terms, strict=True)) % R
            for wires, terms in ((left, left_terms), (right, right_terms))
        ]
        values.append(sums[0] * sums[1] % R)

    def matrix(wire: NDArray[np.int32], term: NDArray[np.int32]) -> Matrix:
        rows = np.arange(n_constraints + 1, dtype=np.int64) * (wire.size // n_constraints)
        return Matrix(rows, wire.reshape(-1), term.reshape(-1))

    c_wire = np.arange(first, first + n_constraints, dtype=np.int32)
    r1cs = R1CS(
        N_PUBLIC,
        len(values),
        from_ints(coefficients),
        matrix(a_wire, a_term),
        matrix(b_wire, b_term),
        matrix(c_wire, c_term),
    )
    return r1cs, from_ints(values)
