"""Invariant: an R1CS is immutable, well formed and addressed by the hash of its content.

Row i demands <A_i, w> * <B_i, w> = <C_i, w> over Fr, w being the witness. Wire 0 is the
constant one, wires 1..n_public are the public inputs, all others are private.
Fr elements are four 64-bit words, least significant first, in Montgomery form (x * 2^256 mod r).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prover.errors import MalformedSystem, Unsatisfied

if TYPE_CHECKING:
    from prover.r1cs.products import Products

_FORMAT = b"wattlane r1cs 1"


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """Sparse rows: row i holds the entries indptr[i]..indptr[i + 1].

    An entry is a wire and an index into R1CS.coefficients; a wire may occur twice, both count.
    indptr: int64[n_rows + 1]; wire: int32[nnz]; coefficient: int32[nnz].
    """

    indptr: NDArray[np.int64]
    wire: NDArray[np.int32]
    coefficient: NDArray[np.int32]

    @property
    def n_rows(self) -> int:
        return int(self.indptr.shape[0]) - 1


@dataclass(frozen=True, slots=True, eq=False)
class R1CS:
    """A constraint system; the arrays must not be changed afterwards.

    coefficients: uint64[k, 4], Montgomery form. Raises MalformedSystem when built from arrays
    of another type, layout or range.
    """

    n_public: int
    n_wires: int
    coefficients: NDArray[np.uint64]
    a: Matrix
    b: Matrix
    c: Matrix

    def __post_init__(self) -> None:
        if not 0 <= self.n_public < self.n_wires < 2**31:
            raise MalformedSystem(f"{self.n_public} public inputs of {self.n_wires} wires")
        _check_elements("coefficients", self.coefficients)
        for name, matrix in (("a", self.a), ("b", self.b), ("c", self.c)):
            self._check_matrix(name, matrix)
        if not self.a.n_rows == self.b.n_rows == self.c.n_rows:
            raise MalformedSystem("the matrices differ in their number of rows")

    @property
    def n_constraints(self) -> int:
        return self.a.n_rows

    def digest(self) -> bytes:
        """The SHA-256 of everything that this system consists of: its content address."""
        state = hashlib.sha256(_FORMAT)
        state.update(np.array([self.n_public, self.n_wires, self.n_constraints], "<i8").tobytes())
        arrays: list[NDArray[np.int64] | NDArray[np.int32] | NDArray[np.uint64]] = [
            self.coefficients
        ]
        for matrix in (self.a, self.b, self.c):
            arrays += [matrix.indptr, matrix.wire, matrix.coefficient]
        for array in arrays:
            state.update(np.array([array.size], "<i8").tobytes())
            state.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        return state.digest()

    def check(self, witness: NDArray[np.uint64]) -> None:
        """Raise Unsatisfied for the first row that `witness` (uint64[n_wires, 4]) fails.

        Raises MalformedSystem as check_shape does.
        """
        self.check_shape(witness)
        self.evaluate(witness, self.n_constraints)

    def evaluate(self, witness: NDArray[np.uint64], size: int) -> Products:
        """A w, B w, C w over `size` rows, for a witness that check_shape accepts.

        Raises Unsatisfied for the first row that the witness fails.
        """
        from prover.r1cs.products import products

        evaluated = products(self, witness, size)
        row = evaluated.first_unsatisfied_row()
        if row is not None:
            raise Unsatisfied(row)
        return evaluated

    def check_shape(self, witness: NDArray[np.uint64]) -> None:
        """Raise MalformedSystem unless `witness` is uint64[n_wires, 4], below r, the first 1."""
        _check_elements("witness", witness)
        if witness.shape[0] != self.n_wires:
            raise MalformedSystem(f"the witness has {witness.shape[0]} of {self.n_wires} wires")
        if witness[0].tolist() != _ONE:
            raise MalformedSystem("wire 0 of a witness is the constant one")

    def _check_matrix(self, name: str, matrix: Matrix) -> None:
        indptr, wire, coefficient = matrix.indptr, matrix.wire, matrix.coefficient
        if indptr.dtype != np.int64 or wire.dtype != np.int32 or coefficient.dtype != np.int32:
            raise MalformedSystem(f"matrix {name} is not made of int64, int32 and int32")
        if indptr.ndim != 1 or indptr.size == 0 or indptr[0] != 0 or np.any(np.diff(indptr) < 0):
            raise MalformedSystem(f"the row pointers of matrix {name} do not ascend from 0")
        if wire.shape != (indptr[-1],) or coefficient.shape != wire.shape:
            raise MalformedSystem(f"matrix {name} has another number of entries than it says")
        if not (indptr.flags.c_contiguous and wire.flags.c_contiguous):
            raise MalformedSystem(f"matrix {name} is not contiguous")
        if wire.size and not (wire.min() >= 0 and wire.max() < self.n_wires):
            raise MalformedSystem(f"matrix {name} names a wire that does not exist")
        if coefficient.size and not (
            coefficient.flags.c_contiguous
            and coefficient.min() >= 0
            and coefficient.max() < self.coefficients.shape[0]
        ):
            raise MalformedSystem(f"matrix {name} names a coefficient that does not exist")


def _check_elements(name: str, elements: NDArray[np.uint64]) -> None:
    if elements.dtype != np.uint64 or elements.ndim != 2 or elements.shape[1] != 4:
        raise MalformedSystem(f"{name}: {elements.dtype}{elements.shape} is not uint64[n, 4]")
    if not elements.flags.c_contiguous:
        raise MalformedSystem(f"{name} is not contiguous")
    if not below_order(elements):
        raise MalformedSystem(f"{name} holds an element that is not below r")


_ONE = [0x00000001FFFFFFFE, 0x5884B7FA00034802, 0x998C4FEFECBC4FF5, 0x1824B159ACC5056F]
"""2^256 mod r."""
_ORDER_WORDS = (0xFFFFFFFF00000001, 0x53BDA402FFFE5BFE, 0x3339D80809A1D805, 0x73EDA753299D7D48)


def below_order(elements: NDArray[np.uint64]) -> bool:
    """Whether every row of `elements` (uint64[n, 4]) is below r."""
    below = np.zeros(elements.shape[0], dtype=np.bool_)
    for word in range(4):  # from the least significant: a higher word overrules
        column, order = elements[:, word], np.uint64(_ORDER_WORDS[word])
        below = (column < order) | ((column == order) & below)
    return bool(below.all())
