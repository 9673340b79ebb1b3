"""Invariant: the same rows, whether as a Matrix or as entries of a file; none is lost or doubled.

Entries are parallel arrays: row, ascending, and wire (int64[n]), and coefficient (Elements), with
no wire twice in a row and no coefficient 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import Elements, from_ints, to_ints
from prover.r1cs.system import R1CS, Matrix

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """The entries of one matrix; coefficient: Elements, Montgomery form."""

    row: Numbers
    wire: Numbers
    coefficient: Elements


def entries_of(r1cs: R1CS, matrix: Matrix) -> Entries:
    """The entries of a matrix of the system, in its order.

    Where a wire occurs twice in a row, or a coefficient is 0, all are sorted, added up and rid of
    zeros: readers of .r1cs files keep but the last of equal wires.
    """
    row = np.repeat(np.arange(matrix.n_rows, dtype=np.int64), np.diff(matrix.indptr))
    entries = Entries(row, matrix.wire.astype(np.int64), r1cs.coefficients[matrix.coefficient])
    place = np.sort(_place(entries, r1cs.n_wires))
    if (place[1:] != place[:-1]).all() and entries.coefficient.any(axis=1).all():
        return entries
    entries = in_order(entries, r1cs.n_wires)
    place = _place(entries, r1cs.n_wires)
    starts = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]]))
    lengths = np.diff(np.append(starts, place.size))
    merged = entries.coefficient[starts]
    for i in np.flatnonzero(lengths > 1):
        same = entries.coefficient[starts[i] : starts[i] + lengths[i]]
        merged[i] = from_ints([sum(to_ints(same)) % R])[0]
    kept = merged.any(axis=1)
    return Entries(entries.row[starts[kept]], entries.wire[starts[kept]], merged[kept])


def in_order(entries: Entries, n_wires: int) -> Entries:
    """The entries sorted by row, then wire."""
    order = np.argsort(_place(entries, n_wires), kind="stable")
    return Entries(entries.row[order], entries.wire[order], entries.coefficient[order])


def _place(entries: Entries, n_wires: int) -> Numbers:
    return entries.row * n_wires + entries.wire


def system_of(n_public: int, n_wires: int, n_rows: int, matrices: Sequence[Entries]) -> R1CS:
    """The system of A, B and C, in this order. Raises MalformedSystem for a wire it lacks."""
    table, numbers = _distinct(np.concatenate([each.coefficient for each in matrices]))
    ends = np.cumsum([each.row.shape[0] for each in matrices])
    a, b, c = (
        Matrix(
            np.concatenate([[0], np.cumsum(np.bincount(each.row, minlength=n_rows))]).astype(
                np.int64
            ),
            each.wire.astype(np.int32),
            part,
        )
        for each, part in zip(matrices, np.split(numbers, ends[:-1]), strict=True)
    )
    return R1CS(n_public, n_wires, table, a, b, c)


def _distinct(elements: Elements) -> tuple[Elements, NDArray[np.int32]]:
    """A table of the different elements, and each element's place in it."""
    factors = np.array([1, 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
    mixed = (elements * factors).sum(axis=1, dtype=np.uint64)
    _, first, places = np.unique(mixed, return_index=True, return_inverse=True)
    table = elements[first]
    if not np.array_equal(table[places], elements):  # two elements with the same mix: keep all
        table, places = elements, np.arange(elements.shape[0])
    return np.ascontiguousarray(table), places.astype(np.int32)
