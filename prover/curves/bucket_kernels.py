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
    pending = np.empty((n_parts * n, 3), dtype=np.int64)  # part, segment, first sum in S
    n_pending, at = 0, 0
    for part in range(n_parts):
        for s in range(n):
            start, stop = offsets[part, first + s], offsets[part, first + s + 1]
            roots[part, s] = -1
            if (stop - start) & 1:
                odd[at] = refs[stop - 1]
                roots[part, s] = 2 * at
                at += 1
            if stop - start > 1:
                pending[n_pending, 0], pending[n_pending, 1] = part, s
                n_pending += 1
    copied = rounds[0] = at
    for k in range(n_pending):
        part, s = pending[k, 0], first + pending[k, 1]
        pending[k, 2] = at
        for i in range(offsets[part, s], offsets[part, s + 1] - 1, 2):
            left[at - copied], right[at - copied] = refs[i], refs[i + 1]
            at += 1
    n_rounds = 1
    rounds[1] = at
    while n_pending > 0:  # each segment has length >> n_rounds sums in a row, and maybe a root
        kept = 0
        for k in range(n_pending):
            part, s, begin = pending[k, 0], pending[k, 1], pending[k, 2]
            count = (offsets[part, first + s + 1] - offsets[part, first + s]) >> n_rounds
            if count > 1:
                pending[kept, 0], pending[kept, 1], pending[kept, 2] = part, s, at
                kept += 1
            for i in range(begin, begin + count - 1, 2):
                left[at - copied], right[at - copied] = 2 * i, 2 * i + 2
                at += 1
            if count & 1:
                end = 2 * (begin + count - 1)
                if roots[part, s] < 0:
                    roots[part, s] = end
                else:
                    left[at - copied], right[at - copied] = end, roots[part, s]
                    roots[part, s] = 2 * at
                    at += 1
        n_pending = kept
        n_rounds += 1
        rounds[n_rounds] = at
    return n_rounds
