"""Invariant: which points are added to which is decided here, on references alone.

References are those of group_kernels.py: 2 * index, + 1 for the negative, -1 for infinity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler
from prover.curves.group_kernels import Refs
from prover.curves.split_kernels import Digits

compiled = Compiler(__file__)
Offsets = NDArray[np.int64]


@compiled("void(int16[::1], int64[::1], int32[::1], int64)")
def sort_by_bucket(digits: Digits, offsets: Offsets, refs: Refs, begin: int) -> None:
    """refs[offsets[k] : offsets[k + 1]] = the points whose digit has magnitude k + 1, signed.

    offsets: n_buckets + 1 zeros, overwritten; the first will be `begin`. refs: from there on at
    least as many as digits; zeros are left out, and what is behind offsets[n_buckets] stays.
    """
    n_buckets = offsets.shape[0] - 1
    for digit in digits:
        if digit != 0:
            offsets[abs(np.int64(digit)) - 1] += 1
    end = begin
    for bucket in range(n_buckets):
        end += offsets[bucket]
        offsets[bucket] = end
    offsets[n_buckets] = end
    for i in range(digits.shape[0] - 1, -1, -1):  # fill each bucket from its end to its start
        if digits[i] != 0:
            place = abs(np.int64(digits[i])) - 1
            offsets[place] -= 1
            refs[offsets[place]] = 2 * i + (digits[i] < 0)


@compiled(
    "int64(int32[::1], int64[:,::1], int64, int64, int32[::1], int32[::1], int32[::1],"
    "int32[:,::1], int64[::1])"
)
def plan_trees(
    refs: Refs,
    offsets: Offsets,
    first: int,
    last: int,
    left: Refs,
    right: Refs,
    odd: Refs,
    roots: Refs,
    rounds: Offsets,
) -> int:
    """How the segments refs[offsets[p, s] : offsets[p, s + 1]], first <= s < last, are summed.

    To be done with an array of points S: copy the points of odd[: rounds[0]] to S[0], S[1] ..,
    where `rounds` has one entry more than there are rounds of additions, which is returned. Then
    pair number i of left and right makes S[rounds[0] + i]; round t is the pairs rounds[t] -
    rounds[0] up to rounds[t + 1] - rounds[0]. The first round pairs points, all others entries of
    S. At the end roots[p, s - first] refers to the sum in S of segment (p, s), -1 if it is empty.

    left, right: as long as the segments; odd: as many as segments; rounds: 64.
    """
    n_parts, n = roots.shape
    copied = 0
    for part in range(n_parts):
        for s in range(n):
            copied += (offsets[part, first + s + 1] - offsets[part, first + s]) & 1
    trees = np.empty((3, n_parts * n), dtype=np.int32)  # those not done: place, begin, sums
    root = roots.reshape(-1)
    n_trees, n_odd, at = 0, 0, copied
    for part in range(n_parts):
        for s in range(n):
            start, stop = offsets[part, first + s], offsets[part, first + s + 1]
            place = part * n + s
            root[place] = -1
            if (stop - start) & 1:
                odd[n_odd] = refs[stop - 1]
                root[place] = 2 * n_odd
                n_odd += 1
            if stop - start > 1:
                trees[0, n_trees], trees[1, n_trees] = place, at
                trees[2, n_trees] = (stop - start) >> 1
                n_trees += 1
                for i in range(start, stop - 1, 2):
                    left[at - copied], right[at - copied] = refs[i], refs[i + 1]
                    at += 1
    n_rounds = 1
    rounds[0], rounds[1] = copied, at
    while n_trees > 0:  # each has `sums` entries of S in a row, from `begin`, and maybe a root
        kept = 0
        for k in range(n_trees):
            place, begin, sums = trees[0, k], trees[1, k], trees[2, k]
            if sums > 1:
                trees[0, kept], trees[1, kept], trees[2, kept] = place, at, sums >> 1
                kept += 1
                for i in range(begin, begin + sums - 1, 2):
                    left[at - copied], right[at - copied] = 2 * i, 2 * i + 2
                    at += 1
            if sums & 1:
                end = 2 * (begin + sums - 1)
                if root[place] < 0:
                    root[place] = end
                else:
                    left[at - copied], right[at - copied] = end, root[place]
                    root[place] = 2 * at
                    at += 1
        n_trees = kept
        n_rounds += 1
        rounds[n_rounds] = at
    return n_rounds
