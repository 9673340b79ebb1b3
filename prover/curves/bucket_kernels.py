"""Invariant: which points are added to which is decided here, on references alone.

References are those of group_kernels.py: 2 * index, + 1 for the negative, -1 for infinity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler
from prover.curves.group_kernels import Refs

compiled = Compiler(__file__)
Offsets = NDArray[np.int64]


@compiled("void(int32[::1], int64[::1], int32[::1])")
def sort_by_bucket(digits: Refs, offsets: Offsets, refs: Refs) -> None:
    """refs[offsets[k] : offsets[k + 1]] = the points whose digit has magnitude k, with its sign.

    offsets: n_buckets + 1 zeros, n_buckets = 2^b, overwritten. refs: as many as digits, of which
    the first offsets[n_buckets] are written: zeros are left out, and so bucket 0 holds the
    magnitude 2^b, the largest allowed.
    """
    n_buckets = offsets.shape[0] - 1
    last = n_buckets - 1
    for digit in digits:
        if digit != 0:
            offsets[abs(digit) & last] += 1
    end = 0
    for bucket in range(n_buckets):
        end += offsets[bucket]
        offsets[bucket] = end
    offsets[n_buckets] = end
    for i in range(digits.shape[0] - 1, -1, -1):  # fill each bucket from its end to its start
        digit = digits[i]
        if digit != 0:
            bucket = abs(digit) & last
            offsets[bucket] -= 1
            refs[offsets[bucket]] = 2 * i + (digit < 0)


@compiled("int64(int32[::1], int64[::1], int32[::1], int32[::1], int64[::1])")
def pair_up(refs: Refs, offsets: Offsets, left: Refs, right: Refs, halved: Offsets) -> int:
    """Pair the neighbours of each segment refs[offsets[s] : offsets[s + 1]]; the longest result.

    Segment s of left and right, which stand for sums, is halved[s] : halved[s + 1]; it is half as
    long, rounded up, and has one entry, infinity, where the segment is empty.
    """
    count, longest = 0, 0
    for segment in range(offsets.shape[0] - 1):
        start, stop = offsets[segment], offsets[segment + 1]
        halved[segment] = count
        if start == stop:
            left[count], right[count] = -1, -1
            count += 1
        for i in range(start, stop, 2):
            left[count] = refs[i]
            right[count] = refs[i + 1] if i + 1 < stop else -1
            count += 1
        longest = max(longest, count - halved[segment])
    halved[offsets.shape[0] - 1] = count
    return longest
