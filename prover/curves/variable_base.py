"""Invariant: each point of the subgroup is multiplied by its own scalar, right for all scalars.

For sums of multiples see msm.py, for multiples of the generator fixed_base.py. Scalars are split
by the endomorphism: 128 doublings and 64 additions a point in G1, 64 and 64 in G2, in batches that
share inversions; fewer where all scalars of a batch are small.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from prover.curves.buckets import all_refs
from prover.curves.fr import Elements
from prover.curves.group_kernels import Points, Refs
from prover.curves.groups import Group
from prover.curves.parallel import ranges, run_all, worker_count
from prover.curves.split_kernels import PART_WORDS, part_digits, split
from prover.curves.windows import n_windows_of
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

    points: of the subgroup or infinity; refs: as in group_kernels.py; scalars: uint64[n, 4],
    Montgomery form.
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
    n, n_parts = refs.shape[0], group.n_parts
    parts = np.empty((n, PART_WORDS), dtype=np.uint64)
    split(scalars, parts, n_parts, 0, n)
    digits = np.empty((n_windows_of(_BITS, n_parts), n_parts, n), dtype=np.int16)
    part_digits(parts, _BITS, digits, 0, n)
    used = np.flatnonzero(digits.any(axis=(1, 2)))
    out[:] = 0
    if used.size == 0:
        return
    here, table = all_refs(n), _multiples(group, points, refs)
    for window in range(int(used[-1]), -1, -1):
        if window != used[-1]:
            for _ in range(_BITS):
                group.add_pairs(out, here, out, here, out)
        for part in range(n_parts):
            row = digits[window, part].astype(np.int32)
            places = (part * _MULTIPLES + np.abs(row) - 1) * n + np.arange(n, dtype=np.int32)
            chosen = np.where(row == 0, -1, 2 * places + (row < 0)).astype(np.int32)
            group.add_pairs(out, here, table, chosen, out)


def _multiples(group: Group, points: Points, refs: Refs) -> Points:
    """Number (p * 8 + k) * n + i: (k + 1) times base^p times points[refs[i]], n = len(refs)."""
    n, block = refs.shape[0], _MULTIPLES * refs.shape[0]
    table = np.empty((group.n_parts * block, group.width), dtype=np.uint64)
    group.copy(points, refs, table)
    for k in range(1, _MULTIPLES):
        group.add_pairs(table, all_refs(n, (k - 1) * n), table, all_refs(n), table, k * n)
    for start in range(block, table.shape[0], block):
        group.times_base(table, all_refs(block, start - block), table[start : start + block])
    return table
