"""Invariant: a table of multiples of one point turns many scalars into their multiples of it.

Ref: fixed-base windows, signed: for many scalars 17 of 15 bits, so 17 affine additions each.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from prover.curves.buckets import all_refs
from prover.curves.fr import Elements
from prover.curves.group_kernels import Points, Refs
from prover.curves.groups import Group
from prover.curves.parallel import ranges, run_all, worker_count
from prover.curves.scalar_kernels import SCALAR_BITS, signed_digits
from prover.progress import Progress, silent

_CHUNK = 4096


class FixedBase:
    """The multiples of a group's generator, at most 27 MB for G1 and 54 MB for G2."""

    def __init__(self, group: Group, n_scalars: int) -> None:
        """n_scalars: how many scalars will come, about; decides the size of the table."""
        self.group = group
        self.bits = bits = min(
            range(2, 16),
            key=lambda b: (SCALAR_BITS // b + 1) * (n_scalars + (1 << b - 1)),
        )
        self.n_windows = SCALAR_BITS // bits + 1
        self._size = (1 << bits - 1) + 1
        self._table = np.empty((self.n_windows * self._size, group.width), dtype=np.uint64)
        doubled = self._doublings()
        tables = np.split(self._table, self.n_windows)
        bases = np.split(doubled, self.n_windows)
        run_all([partial(self._fill, *pair) for pair in zip(tables, bases, strict=True)])

    def multiply(self, scalars: Elements, stage: str = "", progress: Progress = silent) -> Points:
        """scalars[i] * generator, uint64[n, group.width]; infinity for 0."""
        n = scalars.shape[0]
        out = np.zeros((n, self.group.width), dtype=np.uint64)
        pieces = ranges(n, max(worker_count(), n // _CHUNK))
        tasks = [partial(self._multiply, scalars[a:b], out[a:b]) for a, b in pieces]
        run_all(tasks, stage, progress)
        return out

    def _multiply(self, scalars: Elements, out: Points) -> None:
        digits = np.empty((self.n_windows, scalars.shape[0]), dtype=np.int32)
        signed_digits(scalars, self.bits, digits, 0, scalars.shape[0])
        for window, row in enumerate(digits):
            entries = 2 * (window * self._size + np.abs(row)) + (row < 0)
            self.group.add_pairs(out, all_refs(row.shape[0]), self._table, _refs(entries), out)

    def _doublings(self) -> Points:
        """2^i * generator."""
        doubled = np.empty((self.n_windows * self.bits, self.group.width), dtype=np.uint64)
        doubled[0] = self.group.encode(self.group.generator)
        for i in range(doubled.shape[0] - 1):
            at = _refs(np.array([2 * i]))
            self.group.add_pairs(doubled, at, doubled, at, doubled, i + 1)
        return doubled

    def _fill(self, table: Points, doubled: Points) -> None:
        """table[k] = k * doubled[0] for k <= 2^(bits - 1), given doubled[i] = 2^i doubled[0]."""
        table[0] = 0
        table[-1] = doubled[-1]
        for bit in range(self.bits - 1):
            step = _refs(np.full(1 << bit, 2 * bit))
            self.group.add_pairs(table, all_refs(1 << bit), doubled, step, table, 1 << bit)


def _refs(numbers: NDArray[np.signedinteger]) -> Refs:
    return numbers.astype(np.int32)
