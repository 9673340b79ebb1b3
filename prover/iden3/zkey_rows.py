"""Invariant: the rows that a .zkey holds are A and B of the circuit, the public rows stripped.

Section 4 lists the entries of A and B, and behind the constraints one row for each public wire,
with coefficients times 2^512 (Montgomery twice). It has no C: whether a b = c is not known before
the proof is verified. Ref: snarkjs, src/zkey_new.js, processConstraints.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from prover.curves.fr import Elements, from_canonical, from_ints, to_canonical
from prover.curves.fr_kernels import multiply_by
from prover.curves.parallel import ranges, run_all, worker_count
from prover.errors import MalformedSystem
from prover.iden3.binfile import FR_BYTES, BinFile
from prover.iden3.rows import Entries, entries_of, in_order, system_of
from prover.r1cs.products import Products, products
from prover.r1cs.system import R1CS, below_order

COEFFICIENTS = 4
_NAME = "coefficients"
_ENTRY_BYTES = 12 + FR_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class ZkeyRows:
    """A and B as a system whose C is empty; the prover's Constraints."""

    system: R1CS

    @property
    def n_public(self) -> int:
        return self.system.n_public

    @property
    def n_wires(self) -> int:
        return self.system.n_wires

    @property
    def n_constraints(self) -> int:
        return self.system.n_constraints

    def digest(self) -> bytes:
        """SHA-256 of numbers of wires and rows, A and B."""
        return hashlib.sha256(b"wattlane zkey rows" + self.system.digest()).digest()

    def check_shape(self, witness: Elements) -> None:
        """Raise MalformedSystem unless `witness` can be one of this circuit."""
        self.system.check_shape(witness)

    def evaluate(self, witness: Elements, size: int) -> Products:
        """A w and B w over `size` rows, and their products for C w."""
        rows = products(self.system, witness, size)
        c = rows.a.copy()
        run_all([partial(multiply_by, c, rows.b, *piece) for piece in ranges(size, worker_count())])
        return Products(rows.a, rows.b, c, rows.n_constraints)


def rows_of(r1cs: R1CS) -> ZkeyRows:
    """The rows that a .zkey of this circuit holds."""
    return _rows(
        r1cs.n_public,
        r1cs.n_wires,
        r1cs.n_constraints,
        entries_of(r1cs, r1cs.a),
        entries_of(r1cs, r1cs.b),
    )


def read_rows(file: BinFile, n_public: int, n_wires: int, log_size: int) -> ZkeyRows:
    """The rows of section 4. Raises MalformedFile, UnreadableFile."""
    count = int.from_bytes(file.array(COEFFICIENTS, _NAME, 0, 4).tobytes(), "little")
    size = file.size(COEFFICIENTS, _NAME)
    if size != 4 + count * _ENTRY_BYTES:
        raise file.malformed(COEFFICIENTS, _NAME, f"{size} bytes for {count} entries")
    words = file.array(COEFFICIENTS, _NAME, 4, size - 4).view("<u4").reshape(count, -1)
    matrix, row, wire = (words[:, i].astype(np.int64) for i in range(3))
    numbers = np.ascontiguousarray(words[:, 3:]).view("<u8").astype(np.uint64, copy=False)
    del words
    if count == 0 or matrix.max() > 1:
        raise file.malformed(COEFFICIENTS, _NAME, "an entry of neither A nor B, or none at all")
    if row.max() >= 1 << log_size or wire.max() >= n_wires:
        raise file.malformed(COEFFICIENTS, _NAME, "a row or wire that does not exist")
    if not below_order(numbers):
        raise file.malformed(COEFFICIENTS, _NAME, "a coefficient is not below r")
    coefficient = to_canonical(numbers)  # one factor of 2^256 stays
    n_constraints = int(row.max()) - n_public
    public = row >= n_constraints
    if not _are_public_rows(matrix, row - n_constraints, wire, coefficient, public, n_public):
        what = f"the last {n_public + 1} rows are not those of the public wires"
        raise file.malformed(COEFFICIENTS, _NAME, what)
    a, b = (
        Entries(row[mine], wire[mine], coefficient[mine])
        for mine in (~public & (matrix == which) for which in (0, 1))
    )
    try:
        return _rows(n_public, n_wires, n_constraints, a, b)
    except MalformedSystem as error:
        raise file.malformed(COEFFICIENTS, _NAME, error.what) from error


def entries_for_file(r1cs: R1CS) -> NDArray[np.uint32]:
    """Section 4 behind its count, uint32[n, 11], in snarkjs' order: row by row, A before B."""
    a, b = entries_of(r1cs, r1cs.a), entries_of(r1cs, r1cs.b)
    publics = np.arange(r1cs.n_public + 1, dtype=np.int64)
    ones = np.broadcast_to(from_ints([1]), (publics.shape[0], 4))
    row = np.concatenate([a.row, b.row, r1cs.n_constraints + publics])
    matrix = np.repeat([0, 1, 0], [a.row.shape[0], b.row.shape[0], publics.shape[0]])
    order = np.argsort(2 * row + matrix, kind="stable")
    words = np.empty((row.shape[0], _ENTRY_BYTES // 4), dtype="<u4")
    words[:, 0], words[:, 1] = matrix[order], row[order]
    words[:, 2] = np.concatenate([a.wire, b.wire, publics])[order]
    numbers = from_canonical(np.concatenate([a.coefficient, b.coefficient, ones]))
    words[:, 3:] = numbers[order].astype("<u8", copy=False).view("<u4")
    return words


def _rows(n_public: int, n_wires: int, n_rows: int, a: Entries, b: Entries) -> ZkeyRows:
    none = np.zeros(0, dtype=np.int64)
    empty = Entries(none, none, np.zeros((0, 4), dtype=np.uint64))
    a, b = in_order(a, n_wires), in_order(b, n_wires)
    return ZkeyRows(system_of(n_public, n_wires, n_rows, [a, b, empty]))


def _are_public_rows(
    matrix: NDArray[np.int64],
    public_row: NDArray[np.int64],
    wire: NDArray[np.int64],
    coefficient: Elements,
    public: NDArray[np.bool_],
    n_public: int,
) -> bool:
    """Whether row i behind the constraints has wire i in A, with coefficient 1, and no more."""
    found = np.sort(wire[public])
    return bool(
        found.shape == (n_public + 1,)
        and np.array_equal(found, np.arange(n_public + 1))
        and np.array_equal(public_row[public], wire[public])
        and not matrix[public].any()
        and (coefficient[public] == from_ints([1])[0]).all()
    )
