"""Invariant: each point is multiplied by its own scalar, right for all points and scalars.

For sums of multiples see msm.py, for multiples of the generator fixed_base.py. Signed windows of
four bits: 254 doublings and 64 additions a point, in batches that share inversions, fewer where
all scalars of a batch are small.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from prover.curves.buckets import all_refs
from prover.curves.fr import Elements
from prover.curves.group_kernels import Points, Refs
from prover.curves.groups import Group
from prover.curves.parallel import ranges, run_all, worker_count
from prover.curves.scalar_kernels import SCALAR_BITS, signed_digits
from prover.progress import Progress, silent

_BITS = 4
_MULTIPLES = 1 << _BITS - 1
_CHUNK = 2048


def multiply_each(
    group: Group,
    points: Points,
    refs: Refs,
    scalars: Elements,
    stage: str = "",
    progress: Progress = silent,
) -> Points:
    """scalars[i] * points[refs[i]], uint64[n, group.width].

    refs: as in group_kernels.py; scalars: uint64[n, 4], Montgomery form.
    """
    n = refs.shape[0]
    out = np.empty((n, group.width), dtype=np.uint64)
    pieces = ranges(n, max(worker_count(), -(-n // _CHUNK)))
    tasks = [
        partial(_multiply, group, points, refs[a:b], scalars[a:b], out[a:b]) for a, b in pieces
    ]
    run_all(tasks, stage, progress)
    return out


def _multiply(group: Group, points: Points, refs: Refs, scalars: Elements, out: Points) -> None:
    n = refs.shape[0]
    digits = np.empty((SCALAR_BITS // _BITS + 1, n), dtype=np.int32)
    signed_digits(scalars, _BITS, digits, 0, n)
    used = np.flatnonzero(digits.any(axis=1))
    out[:] = 0
    if used.size == 0:
        return
    here, table = all_refs(n), np.empty((_MULTIPLES * n, group.width), dtype=np.uint64)
    nothing = np.full(n, -1, dtype=np.int32)
    group.add_pairs(points, refs, points, nothing, table)
    for k in range(1, _MULTIPLES):  # table[k n + i] = (k + 1) points[refs[i]]
        group.add_pairs(table, here + np.int32(2 * (k - 1) * n), table, here, table, k * n)
    for window in range(int(used[-1]), -1, -1):
        if window != used[-1]:
            for _ in range(_BITS):
                group.add_pairs(out, here, out, here, out)
        row = digits[window]
        entries = 2 * ((np.abs(row) - 1) * n + np.arange(n)) + (row < 0)
        chosen = np.where(row == 0, -1, entries).astype(np.int32)
        group.add_pairs(out, here, table, chosen, out)
