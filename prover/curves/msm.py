"""Invariant: a sum of scalar multiples is right for any points of the subgroup and any scalars.

Pippenger's method: windows of the scalars' parts, buckets summed as trees of affine additions that
share inversions, then weighed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from prover import gpu
from prover.curves.buckets import all_refs, sum_chunks, sum_segments, weigh
from prover.curves.fr import Elements
from prover.curves.group_kernels import Points
from prover.curves.groups import Group
from prover.curves.parallel import run_all, worker_count
from prover.curves.windows import Windows, sort_scalars
from prover.progress import Progress, silent

_MIN_RANGE = 256
"""A task has no fewer buckets than this, unless that is all of a window."""
_TASKS_A_THREAD = 8


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """sum of scalars[i] * points[i], to be computed by `compute`.

    points: uint64[n, group.width], of the subgroup or infinity; scalars: uint64[n, 4],
    Montgomery form.
    """

    group: Group
    points: Points
    scalars: Elements

    def __post_init__(self) -> None:
        assert self.points.shape == (self.scalars.shape[0], self.group.width)


class _Buckets:
    """The buckets of a sum, in ranges of 2^log_range each, that are summed one by one."""

    def __init__(self, group: Group, points: Points, windows: Windows) -> None:
        self._group, self._points, self._windows = group, points, windows
        n_buckets, n_ranges = 1 << (windows.bits - 1), 1
        wanted = _TASKS_A_THREAD * worker_count()
        while windows.n_windows * n_ranges < wanted and n_buckets // n_ranges > _MIN_RANGE:
            n_ranges *= 2
        self.log_range = (n_buckets // n_ranges).bit_length() - 1
        shape = (windows.n_windows, n_ranges, self.log_range + 1, group.width)
        self.sums = np.zeros(shape, dtype=np.uint64)

    @property
    def places(self) -> list[tuple[int, int]]:
        """(window, range) of each task."""
        return list(np.ndindex(*self.sums.shape[:2]))

    def add(self, window: int, number: int) -> None:
        """Sum range `number` of a window: by the bits of the index in the range, and all of it."""
        group, size, n_parts = self._group, 1 << self.log_range, self._group.n_parts
        refs = self._windows.refs[window]
        offsets = self._windows.offsets[window, :, number * size : (number + 1) * size + 1].copy()
        if (offsets[:, 0] == offsets[:, -1]).all():
            return
        buckets = np.empty((3 * size, group.width), dtype=np.uint64)
        for first, sums, roots in sum_chunks(group, self._points, refs, offsets):
            here = all_refs(roots.shape[1])
            joined = np.empty((here.shape[0], group.width), dtype=np.uint64)
            group.times_base(sums, roots[-1], joined)
            for part in range(n_parts - 2, 0, -1):  # from the highest part down
                group.add_pairs(sums, roots[part], joined, here, joined)
                group.times_base(joined, here, joined)
            group.add_pairs(sums, roots[0], joined, here, buckets, first)
        self.sums[window, number] = weigh(group, buckets, self.log_range)

    def total(self) -> Points:
        """The sum, uint64[group.width], once all ranges have been added.

        The digits in bucket k of a range have magnitude k + 1 + range * 2^log_range: so a sum by
        bit counts for that bit, and the sum of all for those of 1 + range * 2^log_range.
        """
        n_windows, n_ranges, n_sums, width = self.sums.shape
        bits = self._windows.bits
        by_bit: list[list[int]] = [[] for _ in range(n_windows * bits)]
        for window, number in self.places:
            first = (window * n_ranges + number) * n_sums
            offset = 1 + (number << self.log_range)
            for bit in range(bits):
                if bit < self.log_range:
                    by_bit[window * bits + bit].append(2 * (first + bit))
                if offset >> bit & 1:
                    by_bit[window * bits + bit].append(2 * (first + self.log_range))
        refs = np.array([ref for of_bit in by_bit for ref in of_bit], dtype=np.int32)
        offsets = np.cumsum([0, *map(len, by_bit)], dtype=np.int64)
        doubled = np.empty((len(by_bit), width), dtype=np.uint64)
        sum_segments(self._group, self.sums.reshape(-1, width), refs, offsets, doubled)
        return self._group.sum_of_doublings(doubled)


def compute(sums: Sequence[Sum], stage: str = "msm", progress: Progress = silent) -> list[Points]:
    """The sums, in order, each uint64[group.width]; the tasks of all sums share the threads."""
    on_gpu = gpu.add_up([(one.group, one.points, one.scalars) for one in sums], stage, progress)
    if on_gpu is not None:
        return on_gpu
    buckets = [
        _Buckets(one.group, one.points, sort_scalars(one.scalars, one.group.n_parts))
        for one in sums
    ]
    by_cost = sorted(range(len(sums)), key=lambda i: -sums[i].points.size)
    tasks = [partial(buckets[i].add, *place) for i in by_cost for place in buckets[i].places]
    run_all(tasks, stage, progress)
    return [one.total() for one in buckets]


def multiply_and_add(group: Group, points: Points, scalars: Elements) -> Points:
    """sum of scalars[i] * points[i], uint64[group.width]; points of the subgroup or infinity."""
    return compute([Sum(group, points, scalars)])[0]
