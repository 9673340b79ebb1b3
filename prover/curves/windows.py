"""Invariant: each nonzero digit of each scalar is in one bucket, that of its window and magnitude.

A scalar is split into parts by the group's endomorphism, and each part into signed digits of
`bits` bits. A digit of 0 is nowhere: 0, 1, -1 and small scalars cost what their few digits cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import exp

import numpy as np

from prover.curves.bucket_kernels import Offsets, sort_by_bucket
from prover.curves.fr import Elements
from prover.curves.group_kernels import Refs
from prover.curves.parallel import ranges, run_all, worker_count
from prover.curves.split_kernels import MIN_BITS, PART_WORDS, SCALAR_BITS, part_digits, split

_MAX_BITS = 16
_ENDOMORPHISM = 0.3
"""What multiplying a point by the base of the parts costs, and moving it, in additions."""
_OVERHEAD = 200
"""What a window costs beside its additions, in additions."""
_CHUNK = 4096
"""Scalars that are worth a task."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The points of each bucket, for sums of n scalar multiples.

    refs: int32[n_windows, n_parts * n]; offsets: int64[n_windows, n_parts, 2^(bits - 1) + 1]. The
    points in bucket k of part p, whose digits are k + 1 or its negative, are refs[w, offsets[w, p,
    k] : offsets[w, p, k + 1]], references as in group_kernels.py.
    """

    bits: int
    refs: Refs
    offsets: Offsets

    @property
    def n_windows(self) -> int:
        return int(self.refs.shape[0])


def sort_scalars(scalars: Elements, n_parts: int) -> Windows:
    """The windows of scalars (uint64[n, 4], Montgomery form) in n_parts parts, 2 or 4."""
    n = scalars.shape[0]
    parts = np.empty((n, PART_WORDS), dtype=np.uint64)
    pieces = list(ranges(n, min(4 * worker_count(), 1 + n // _CHUNK)))
    n_wide: list[int] = []

    def split_piece(start: int, stop: int) -> None:
        n_wide.append(split(scalars, parts, n_parts, start, stop))

    run_all([partial(split_piece, *piece) for piece in pieces])
    bits = window_bits(sum(n_wide), n_parts)
    shape = n_windows_of(bits, n_parts), n_parts
    digits = np.empty((*shape, n), dtype=np.int16)
    run_all([partial(part_digits, parts, bits, digits, *piece) for piece in pieces])
    refs = np.empty((shape[0], n_parts * n), dtype=np.int32)
    offsets = np.zeros((*shape, (1 << (bits - 1)) + 1), dtype=np.int64)
    run_all(
        [
            partial(sort_by_bucket, digits[w, p], offsets[w, p], refs[w], p * n)
            for w, p in np.ndindex(*shape)
        ]
    )
    return Windows(bits, refs, offsets)


def n_windows_of(bits: int, n_parts: int) -> int:
    return -(-SCALAR_BITS // n_parts // bits)


def window_bits(n_wide: int, n_parts: int) -> int:
    """The window size that costs least, for so many parts of more than 16 bits."""

    def cost(bits: int) -> float:
        """In additions. Of a bucket: of all its points one costs nothing; its parts are joined
        by additions and endomorphisms, and weighing takes two additions."""
        n_buckets = 1 << (bits - 1)
        empty = exp(-n_wide / (n_parts * n_buckets))
        bucket = 1 + n_parts * (empty + _ENDOMORPHISM)
        return n_windows_of(bits, n_parts) * (n_wide + n_buckets * bucket + _OVERHEAD)

    return min(range(MIN_BITS, _MAX_BITS + 1), key=cost)
