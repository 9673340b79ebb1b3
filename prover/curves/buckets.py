"""Invariant: points that are put into buckets are added as trees, many additions at once.

The first round of a tree adds neighbours of all segments, the second the neighbours among these
sums, and so on, so that each round is one batch of affine additions that share inversions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from prover.curves.bucket_kernels import Offsets, plan_trees
from prover.curves.group_kernels import Points, Refs
from prover.curves.groups import Group

_CHUNK = 1 << 13
"""Points whose trees are added together, about: their sums stay in the processor's cache."""
_MAX_ROUNDS = 64


def all_refs(count: int, first: int = 0) -> Refs:
    """References to points first .. first + count - 1, as they are."""
    return np.arange(2 * first, 2 * (first + count), 2, dtype=np.int32)


def sum_segments(group: Group, points: Points, refs: Refs, offsets: Offsets, out: Points) -> None:
    """out[s] = the sum of the points refs[offsets[s] : offsets[s + 1]], for each s.

    refs: none is -1.
    """
    for first, sums, roots in sum_chunks(group, points, refs, offsets.reshape(1, -1)):
        group.copy(sums, roots[0], out, first)


def sum_chunks(
    group: Group, points: Points, refs: Refs, offsets: Offsets
) -> Iterator[tuple[int, Points, Refs]]:
    """The sums of the points refs[offsets[p, s] : offsets[p, s + 1]], for all p and s.

    refs: none is -1. Yields (first s, S, roots), chunk by chunk: the sum of segment (p, first + i)
    is S[roots[p, i]]. S is overwritten by the next chunk.
    """
    n_parts, cuts = offsets.shape[0], _cuts(offsets)
    rounds = np.empty(_MAX_ROUNDS, dtype=np.int64)
    longest = int(np.diff(offsets[:, cuts]).sum(axis=0).max(initial=0))
    widest = n_parts * int(np.diff(cuts).max(initial=0))
    left, right = np.empty(longest, dtype=np.int32), np.empty(longest, dtype=np.int32)
    odd = np.empty(widest, dtype=np.int32)
    sums = np.empty((longest, group.width), dtype=np.uint64)
    for first, last in pairwise(cuts):
        roots = np.empty((n_parts, last - first), dtype=np.int32)
        n_rounds = plan_trees(refs, offsets, first, last, left, right, odd, roots, rounds)
        ends = rounds[: n_rounds + 1].tolist()
        group.copy(points, odd[: ends[0]], sums)
        source = points
        for start, stop in pairwise(ends):
            pairs = slice(start - ends[0], stop - ends[0])
            group.add_pairs(source, left[pairs], source, right[pairs], sums, start)
            source = sums
        yield first, sums, roots


def _cuts(offsets: Offsets) -> list[int]:
    """Where chunks of segments begin, and where the last ends: about _CHUNK points or segments."""
    n_parts, n = offsets.shape[0], offsets.shape[1] - 1
    ends = offsets.sum(axis=0) - int(offsets[:, 0].sum())
    ends += n_parts * np.arange(n + 1)
    cuts = [0]
    while cuts[-1] < n:
        room = int(ends[cuts[-1]]) + 2 * _CHUNK
        fitting = int(np.searchsorted(ends, room, side="right")) - 1
        cuts.append(min(max(cuts[-1] + 1, fitting), n))
    return cuts


@dataclass(frozen=True, slots=True)
class _Weighing:
    """How 2^n points become n + 1 sums: rounds of pairs, whose sums are appended to the points."""

    rounds: tuple[tuple[Refs, Refs], ...]
    roots: Refs


@cache
def _weighing(log_size: int) -> _Weighing:
    """Number l of the sums: all points whose index has bit l; the last: all points.

    Neighbours are added level by level, so that the odd entries of level l are what has bit l.
    """
    level = np.arange(1 << log_size)
    odd: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    rounds = []
    end = 1 << log_size
    while level.shape[0] > 1 or any(indices.shape[0] > 1 for indices in odd):
        trees = [*odd, level]
        if level.shape[0] > 1:
            odd.append(level[1::2])
        pairs = [tree.shape[0] // 2 for tree in trees]
        left = np.concatenate([tree[: 2 * n : 2] for tree, n in zip(trees, pairs, strict=True)])
        right = np.concatenate([tree[1 : 2 * n : 2] for tree, n in zip(trees, pairs, strict=True)])
        rounds.append((_refs(left), _refs(right)))
        for i, (tree, n) in enumerate(zip(trees, pairs, strict=True)):
            sums = np.concatenate([np.arange(end, end + n), tree[2 * n :]])
            end += n
            if tree is level:
                level = sums
            else:
                odd[i] = sums
    roots = np.array([*(int(indices[0]) for indices in odd), int(level[0])])
    return _Weighing(tuple(rounds), _refs(roots))


def _refs(indices: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Refs:
    return (2 * indices).astype(np.int32)


def weigh(group: Group, buckets: Points, log_size: int) -> Points:
    """For 2^n buckets, n + 1 points: all whose index has bit l, for l < n; then all.

    buckets: the buckets with room for twice as many points behind them, which is overwritten.
    """
    plan = _weighing(log_size)
    end = 1 << log_size
    for left, right in plan.rounds:
        group.add_pairs(buckets, left, buckets, right, buckets, end)
        end += left.shape[0]
    sums = np.empty((log_size + 1, group.width), dtype=np.uint64)
    group.copy(buckets, plan.roots, sums)
    return sums
