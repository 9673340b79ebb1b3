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


@compiled("void(int16[::1], int64[::1], int32[::1])")
def sort_by_bucket(digits: Digits, offsets: Offsets, refs: Refs) -> None:
    """refs[offsets[k] : offsets[k + 1]] = the points whose digit has magnitude k + 1, signed.

    offsets: n_buckets + 1 zeros, overwritten. refs: as many as digits, of which the first
    offsets[n_buckets] are written: zeros are left out.
    """
    n_buckets = offsets.shape[0] - 1
    for digit in digits:
        if digit != 0:
            offsets[abs(np.int64(digit)) - 1] += 1
    end = 0
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
    "int64(int32[::1], int64[::1], int64, int64, int32[::1], int32[::1], int32[::1], int32[::1],"
    "int64[::1])"
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
    """How the segments refs[offsets[s] : offsets[s + 1]], first <= s < last, become one sum each.

    To be done with an array of points S: copy the points of odd[: rounds[0]] to S[0], S[1] ..,
    where `rounds` has one entry more than there are rounds of additions, which is returned. Then
    pair number i of left and right makes S[rounds[0] + i]; round t is the pairs rounds[t] -
    rounds[0] up to rounds[t + 1] - rounds[0]. The first round pairs points, all others entries of
    S. At the end roots[s - first] is the entry of S that holds segment s, or -1 for infinity.

    left, right: as long as the segments; odd, roots: last - first; rounds: 64.
    """
    at, longest = 0, 0
    for s in range(last - first):
        count = offsets[first + s + 1] - offsets[first + s]
        longest = max(longest, count)
        roots[s] = -1
        if count & 1:
            odd[at] = refs[offsets[first + s + 1] - 1]
            roots[s] = 2 * at
            at += 1
    copied = rounds[0] = at
    for s in range(last - first):
        for i in range(offsets[first + s], offsets[first + s + 1] - 1, 2):
            left[at - copied], right[at - copied] = refs[i], refs[i + 1]
            at += 1
    n_rounds, begin = 1, copied
    rounds[1] = at
    while longest >> n_rounds > 0:  # segment s has length >> n_rounds sums, in a row after `begin`
        before, begin = begin, at
        here = before
        for s in range(last - first):
            count = (offsets[first + s + 1] - offsets[first + s]) >> n_rounds
            for i in range(here, here + count - 1, 2):
                left[at - copied], right[at - copied] = 2 * i, 2 * i + 2
                at += 1
            here += count
        here = before
        for s in range(last - first):
            count = (offsets[first + s + 1] - offsets[first + s]) >> n_rounds
            here += count
            if count & 1:
                if roots[s] >= 0:
                    left[at - copied], right[at - copied] = 2 * here - 2, roots[s]
                    roots[s] = 2 * at
                    at += 1
                else:
                    roots[s] = 2 * here - 2
        n_rounds += 1
        rounds[n_rounds] = at
    return n_rounds
