"""Small constraint systems with satisfying witnesses, for the tests of the prover."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import from_ints
from prover.r1cs.system import R1CS, Matrix

Row = dict[int, int]  # wire -> coefficient


def build_system(n_public: int, n_wires: int, rows: Sequence[tuple[Row, Row, Row]]) -> R1CS:
    """The system whose constraint i is rows[i] = (a, b, c)."""
    values = sorted({x % R for triple in rows for row in triple for x in row.values()})
    index = {value: i for i, value in enumerate(values)}

    def matrix(position: int) -> Matrix:
        entries = [(w, index[x % R]) for triple in rows for w, x in triple[position].items()]
        lengths = [len(triple[position]) for triple in rows]
        return Matrix(
            indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            wire=np.array([wire for wire, _ in entries], dtype=np.int32),
            coefficient=np.array([number for _, number in entries], dtype=np.int32),
        )

    return R1CS(n_public, n_wires, from_ints(values), matrix(0), matrix(1), matrix(2))


def cube_system(x: int = 3) -> tuple[R1CS, NDArray[np.uint64]]:
    """Public y = x^3 + x + 5 for a private x. Wires: one, y, x, x^2, x^3."""
    rows: list[tuple[Row, Row, Row]] = [
        ({2: 1}, {2: 1}, {3: 1}),
        ({3: 1}, {2: 1}, {4: 1}),
        ({4: 1, 2: 1, 0: 5}, {0: 1}, {1: 1}),
    ]
    witness = [1, (x**3 + x + 5) % R, x, x * x % R, x**3 % R]
    return build_system(1, 5, rows), from_ints(witness)


def random_system(
    seed: int, n_constraints: int, n_public: int = 3, free: int = 10
) -> tuple[R1CS, NDArray[np.uint64]]:
    """Constraint i multiplies two random sums of earlier wires into a wire of its own.

    A third of the constraints have bits as results; wires: one, public, free, results.
    """
    rng = random.Random(seed)
    witness = [1, *(rng.randrange(R) for _ in range(n_public + free))]
    rows: list[tuple[Row, Row, Row]] = []
    for i in range(n_constraints):
        known = len(witness)
        # every public wire occurs: each of the first constraints uses one of them
        sums = []
        for side in range(2):
            wires = rng.sample(range(known), min(known, 3))
            if side == 0 and i < n_public:
                wires = [*wires, 1 + i]
            sums.append({wire: rng.choice([1, R - 1, 2, rng.randrange(R)]) for wire in wires})
        left, right = (sum(x * witness[w] for w, x in s.items()) % R for s in sums)
        if i % 3 == 0:  # make the product a bit: shift the right sum by a constant
            bit = rng.randrange(2)
            target = bit * pow(left, -1, R) % R if left else 0
            sums[1] = {**sums[1], 0: (sums[1].get(0, 0) + target - right) % R}
            right = target
        witness.append(left * right % R)
        rows.append((sums[0], sums[1], {known: 1}))
    return build_system(n_public, len(witness), rows), from_ints(witness)
