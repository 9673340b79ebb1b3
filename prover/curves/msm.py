"""Invariant: a sum of scalar multiples is right for any points (infinity too) and scalars.

Pippenger's method: signed windows, buckets summed as trees of affine additions that share
inversions. Zero digits cost nothing, so zero, one, minus one and small scalars are cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from prover.curves.buckets import window_sums
from prover.curves.fr import Elements
from prover.curves.group_kernels import Points
from prover.curves.groups import Group
from prover.curves.parallel import ranges, run_all, worker_count
from prover.curves.scalar_kernels import SCALAR_BITS, signed_digits
from prover.progress import Progress, silent


@dataclass(slots=True, eq=False)
class Sum:
    """sum of scalars[i] * points[i], to be computed by `compute`.

    points: uint64[n, group.width]; scalars: uint64[n, 4], Montgomery form.
    """

    group: Group
    points: Points
    scalars: Elements
    _digits: NDArray[np.int32] = field(init=False)
    _parts: Points = field(init=False)
    _bits: int = field(init=False)

    def __post_init__(self) -> None:
        assert self.points.shape == (self.scalars.shape[0], self.group.width)
        self._bits = window_bits(self.scalars.shape[0])
        n_windows = SCALAR_BITS // self._bits + 1
        self._digits = np.empty((n_windows, self.scalars.shape[0]), dtype=np.int32)
        self._parts = np.empty((n_windows, self._bits, self.group.width), dtype=np.uint64)

    def recode(self, start: int, stop: int) -> None:
        signed_digits(self.scalars, self._bits, self._digits, start, stop)

    @property
    def n_windows(self) -> int:
        return int(self._digits.shape[0])

    def add_window(self, window: int) -> None:
        digits = self._digits[window]
        self._parts[window] = window_sums(self.group, self.points, digits, self._bits - 1)

    def result(self) -> Points:
        """The sum, uint64[group.width], after all windows have been added."""
        return self.group.sum_of_doublings(self._parts.reshape(-1, self.group.width))


def window_bits(n_points: int) -> int:
    """The window size with the fewest additions: n for the points and 2^bits for the buckets."""
    return min(range(2, 17), key=lambda bits: (SCALAR_BITS // bits + 1) * (n_points + (1 << bits)))


def compute(sums: Sequence[Sum], stage: str = "msm", progress: Progress = silent) -> list[Points]:
    """The sums, in order, each uint64[group.width]; all windows of all sums share the threads."""
    recoding = [
        partial(one.recode, *piece)
        for one in sums
        for piece in ranges(one.scalars.shape[0], worker_count())
    ]
    run_all(recoding)
    by_cost = sorted(sums, key=lambda one: -one.points.size)
    windows = [
        partial(one.add_window, window) for one in by_cost for window in range(one.n_windows)
    ]
    run_all(windows, stage, progress)
    return [one.result() for one in sums]


def multiply_and_add(group: Group, points: Points, scalars: Elements) -> Points:
    """sum of scalars[i] * points[i], uint64[group.width]."""
    return compute([Sum(group, points, scalars)])[0]
