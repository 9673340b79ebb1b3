"""Invariant: points that are put into buckets are added as trees, many additions at once.

The first round of a tree adds neighbours of all segments, the second the neighbours among these
sums, and so on, so that each round is one batch of affine additions that share inversions.
"""

from __future__ import annotations

import numpy as np

from prover.curves.bucket_kernels import Offsets, pair_up, sort_by_bucket
from prover.curves.group_kernels import Points, Refs
from prover.curves.groups import Group


def all_refs(count: int) -> Refs:
    """References to points 0 .. count - 1, as they are."""
    return np.arange(0, 2 * count, 2, dtype=np.int32)


def sum_segments(group: Group, points: Points, refs: Refs, offsets: Offsets) -> Points:
    """The sum of the points refs[offsets[s] : offsets[s + 1]] for each s, uint64[n, width]."""
    while True:
        room = int(np.maximum((np.diff(offsets) + 1) // 2, 1).sum())
        left, right = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
        halved = np.empty_like(offsets)
        longest = pair_up(refs, offsets, left, right, halved)
        sums = np.empty((room, group.width), dtype=np.uint64)
        group.add_pairs(points, left, points, right, sums)
        if longest <= 1:
            return sums
        points, refs, offsets = sums, all_refs(room), halved


def sum_by_bits(group: Group, buckets: Points) -> Points:
    """For 2^n points: n sums, number l that of all buckets[k] whose k has bit l; then buckets[0].

    Neighbours are added level by level, so that the odd entries of level l are what has bit l.
    """
    odd, level = [], buckets
    while level.shape[0] > 1:
        odd.append(level[1::2])
        pairs = all_refs(level.shape[0])
        sums = np.empty((level.shape[0] // 2, group.width), dtype=np.uint64)
        group.add_pairs(level, pairs[::2].copy(), level, pairs[1::2].copy(), sums)
        level = sums
    parts = [*odd, buckets[:1]]
    offsets = np.cumsum([0, *(part.shape[0] for part in parts)])
    points = np.concatenate(parts)
    return sum_segments(group, points, all_refs(points.shape[0]), offsets)


def window_sums(group: Group, points: Points, digits: Refs, log_buckets: int) -> Points:
    """1 + log_buckets points: the sum over l of 2^l times number l is that of digits * points.

    digits: int32, of magnitude at most 2^log_buckets.
    """
    assert digits.shape[0] == points.shape[0]
    offsets = np.zeros((1 << log_buckets) + 1, dtype=np.int64)
    refs = np.empty(digits.shape[0], dtype=np.int32)
    sort_by_bucket(digits, offsets, refs)
    return sum_by_bits(group, sum_segments(group, points, refs, offsets))
