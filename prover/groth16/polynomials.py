"""Invariant: how a constraint system becomes polynomials is decided here, for setup and prover.

Row i stands for the i-th n-th root of unity. After the constraints come n_public + 1 rows whose
A is wire 0..n_public and whose B and C are 0: they make the public wires' polynomials linearly
independent, so that no public input can be exchanged for another.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from protocol.crypto.field import R
from prover import gpu
from prover.curves.fr import Elements, from_ints
from prover.curves.fr_kernels import (
    invert,
    multiply_by,
    multiply_subtract,
    subtract_from,
)
from prover.curves.ntt import TWO_ADICITY, domain, powers, reversed_powers, root_of_unity
from prover.curves.parallel import ranges, run_all, worker_count
from prover.groth16.errors import CircuitTooLarge
from prover.r1cs.product_kernels import multiply_columns
from prover.r1cs.products import Products
from prover.r1cs.system import R1CS, Matrix


def log_domain_size(r1cs: R1CS) -> int:
    """The smallest k with 2^k rows for constraints and public wires. Raises CircuitTooLarge."""
    rows = r1cs.n_constraints + r1cs.n_public + 1
    log_size = max(1, (rows - 1).bit_length())
    if log_size >= TWO_ADICITY:
        raise CircuitTooLarge(rows)
    return log_size


def lagrange(point: int, shift: int, log_size: int, factor: int) -> Elements:
    """factor * (point - s_i)^-1 * s_i for s_i = shift * root^i, uint64[2^log_size, 4].

    With factor (point^n - 1) / n and shift 1 these are the Lagrange polynomials at `point`.
    """
    root, size = root_of_unity(log_size), 1 << log_size
    inverses = powers(shift, root, log_size)
    subtract_from(from_ints([point]), inverses)
    scratch = np.empty_like(inverses)
    pieces = ranges(size, worker_count())
    run_all([partial(invert, inverses, scratch, *piece) for piece in pieces])
    values = powers(shift * factor % R, root, log_size)
    run_all([partial(multiply_by, values, inverses, *piece) for piece in pieces])
    return values


def wire_polynomials(r1cs: R1CS, tau: int) -> tuple[Elements, Elements, Elements]:
    """u, v, w at tau for each wire, uint64[n_wires, 4]: the columns of A, B, C."""
    log_size = log_domain_size(r1cs)
    size = 1 << log_size
    at_rows = lagrange(tau, 1, log_size, (pow(tau, size, R) - 1) * pow(size, -1, R) % R)
    u, v, w = (np.zeros((r1cs.n_wires, 4), dtype=np.uint64) for _ in range(3))
    matrices: list[tuple[Matrix, Elements]] = [(r1cs.a, u), (r1cs.b, v), (r1cs.c, w)]
    public_rows = _public_rows(r1cs)
    one = from_ints([1])

    def columns(matrix: Matrix, result: Elements) -> None:
        multiply_columns(
            matrix.indptr, matrix.wire, matrix.coefficient, r1cs.coefficients, at_rows, result
        )
        if result is u:
            multiply_columns(
                public_rows.indptr,
                public_rows.wire,
                public_rows.coefficient,
                one,
                at_rows[r1cs.n_constraints :],
                result,
            )

    run_all([partial(columns, *pair) for pair in matrices])
    return u, v, w


def _public_rows(r1cs: R1CS) -> Matrix:
    wires = np.arange(r1cs.n_public + 1, dtype=np.int32)
    return Matrix(np.arange(r1cs.n_public + 2, dtype=np.int64), wires, np.zeros_like(wires))


def quotient_scalars(products: Products, witness: Elements, n_public: int) -> Elements:
    """a b - c at the odd 2n-th roots of unity, uint64[n, 4]: the scalars for the key's h_g1.

    products: over n = 2^k rows; they are overwritten.
    """
    a, b, c = products.a, products.b, products.c
    size = a.shape[0]
    log_size = size.bit_length() - 1
    a[products.n_constraints : products.n_constraints + n_public + 1] = witness[: n_public + 1]
    roots = domain(log_size)
    odd = root_of_unity(log_size + 1)
    to_coset = reversed_powers(pow(size, -1, R), odd, log_size)
    on_gpu = gpu.quotient(roots, a, b, c, to_coset)
    if on_gpu is not None:
        return on_gpu
    for values in (a, b, c):
        roots.interpolate(values)
        roots.scale(values, to_coset)
        roots.evaluate(values)
    pieces = ranges(size, worker_count())
    run_all([partial(multiply_subtract, a, b, c, *piece) for piece in pieces])
    return a
