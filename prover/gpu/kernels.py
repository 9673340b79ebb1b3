"""Invariant: a kernel here is one function for CPU and GPU, and its threads meet nowhere.

A kernel is run by `step` threads, each of which does the items first, first + step ... of some
work; no item reads what another writes, but for sums made by fetch_add, so that their order does
not matter. On a GPU the hardware says which thread it is, and what `first` and `step` say is
ignored; a CPU may run the threads one by one, which is how the tests execute them.

Field and group arithmetic is that of protocol/crypto/kernels.py and prover/curves: nothing of it
is written again for the GPU. Segments: numbers of points to be added, segment s of a list being
offsets[s] : offsets[s + 1]; references are those of prover/curves/group_kernels.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Compiler, Kernel, inner
from protocol.crypto.kernels import FQ2_ONE, FQ_ONE, FR_ONE
from prover.curves import fr_kernels, group_kernels, scalar_kernels, transform_kernels
from prover.curves.group_kernels import Points, Refs, add_pairs
from prover.curves.scalar_kernels import Digits, Scalars, recode
from prover.curves.transform_kernels import merge as merge_one
from prover.curves.transform_kernels import merge_twice, split_twice
from prover.curves.transform_kernels import split as split_one

_COMPILER = Compiler(
    __file__,
    str(fr_kernels.__file__),
    str(group_kernels.__file__),
    str(scalar_kernels.__file__),
    str(transform_kernels.__file__),
)
Words = NDArray[np.uint64]
Offsets = NDArray[np.int64]
_AT = "int64, int64"
_WORDS, _REFS, _OFFSETS = "uint64[:,::1]", "int32[::1]", "int64[::1]"

_LAYER = f"void({_AT}, {_WORDS}, {_WORDS}, int64, int64)"

# products of one element: the kernels of the CPU for a range of one
_multiply_by: Any = inner(fr_kernels.multiply_by.function)
_multiply_subtract: Any = inner(fr_kernels.multiply_subtract.function)


def compiled(signature: str) -> Callable[[Callable[..., None]], Kernel[..., None]]:
    """A kernel that is not compiled for the CPU before somebody calls it there."""
    return lambda function: Kernel(function, signature, _COMPILER)


@inner
def items(first: int, step: int, count: int) -> Any:
    """What this thread has to do of `count` items. A GPU replaces it: see target.py."""
    return range(first, count, step)


@inner
def fetch_add(counts: Refs, at: int) -> int:
    """counts[at] += 1, and what it was before. Threads may collide: a GPU replaces it."""
    before: int = counts[at]
    counts[at] = before + 1
    return before


# --- transforms -----------------------------------------------------------------------------


@compiled(_LAYER)
def split(first: int, step: int, values: Words, roots: Words, log_half: int, count: int) -> None:
    """All `count` butterflies of one layer: see transform_kernels.split."""
    for k in items(first, step, count):
        split_one(values, roots, log_half, k, k + 1, FR_ONE)


@compiled(_LAYER)
def merge(first: int, step: int, values: Words, roots: Words, log_half: int, count: int) -> None:
    """All `count` butterflies of one layer: see transform_kernels.merge."""
    for k in items(first, step, count):
        merge_one(values, roots, log_half, k, k + 1, FR_ONE)


@compiled(_LAYER)
def split_four(
    first: int, step: int, values: Words, roots: Words, log_half: int, count: int
) -> None:
    """All `count` fours of butterflies of two layers: see transform_kernels.split_twice."""
    for k in items(first, step, count):
        split_twice(values, roots, log_half, k, k + 1, FR_ONE)


@compiled(_LAYER)
def merge_four(
    first: int, step: int, values: Words, roots: Words, log_half: int, count: int
) -> None:
    """All `count` fours of butterflies of two layers: see transform_kernels.merge_twice."""
    for k in items(first, step, count):
        merge_twice(values, roots, log_half, k, k + 1, FR_ONE)


@compiled(f"void({_AT}, {_WORDS}, {_WORDS}, int64)")
def scale(first: int, step: int, values: Words, factors: Words, count: int) -> None:
    """values[i] *= factors[i]."""
    for i in items(first, step, count):
        _multiply_by(values, factors, i, i + 1)


@compiled(f"void({_AT}, {_WORDS}, {_WORDS}, {_WORDS}, int64)")
def multiply_subtract(first: int, step: int, a: Words, b: Words, c: Words, count: int) -> None:
    """a[i] = a[i] b[i] - c[i]."""
    for i in items(first, step, count):
        _multiply_subtract(a, b, c, i, i + 1)


# --- buckets --------------------------------------------------------------------------------


@compiled(f"void({_AT}, {_WORDS}, int64, int32[:,::1], int64)")
def digits_of(
    first: int, step: int, scalars: Scalars, bits: int, digits: Digits, count: int
) -> None:
    """scalar_kernels.signed_digits; the scalars are overwritten."""
    for i in items(first, step, count):
        recode(scalars, bits, digits, i, scalars, i)


@compiled(f"void({_AT}, int32[:,::1], int64, int64, {_REFS}, int64)")
def count_digits(
    first: int, step: int, digits: Digits, window: int, n_buckets: int, counts: Refs, count: int
) -> None:
    """counts[w * n_buckets + k] += how many digits of row window + w fall into bucket k.

    n_buckets = 2^b. Zeros are left out, so bucket 0 holds the magnitude 2^b. count: all digits
    of the rows.
    """
    n = digits.shape[1]
    for i in items(first, step, count):
        digit = digits[window + i // n, i % n]
        if digit != 0:
            fetch_add(counts, i // n * n_buckets + (abs(digit) & (n_buckets - 1)))


@compiled(f"void({_AT}, int32[:,::1], int64, int64, {_REFS}, {_REFS}, int64)")
def sort_digits(
    first: int,
    step: int,
    digits: Digits,
    window: int,
    n_buckets: int,
    ends: Refs,
    refs: Refs,
    count: int,
) -> None:
    """refs: the points of each bucket, in any order. ends: where buckets start, then where they
    end. Else as count_digits."""
    n = digits.shape[1]
    for i in items(first, step, count):
        digit = digits[window + i // n, i % n]
        if digit != 0:
            bucket = i // n * n_buckets + (abs(digit) & (n_buckets - 1))
            refs[fetch_add(ends, bucket)] = 2 * (i % n) + (digit < 0)


# --- sums of segments -----------------------------------------------------------------------


@inner
def place(offsets: Offsets, segment: int, rounds: int) -> Any:
    """Where a segment starts after so many rounds of pairing, each of which leaves half of it.

    Every segment keeps one place more than it may need for each round's odd entry, so that the
    places follow from the first offsets and no round has to add up lengths.
    """
    return (offsets[segment] + segment * ((1 << rounds) - 1)) >> rounds


@inner
def length(offsets: Offsets, segment: int, rounds: int) -> Any:
    """How long a segment is after so many rounds: halved, rounded up."""
    return (offsets[segment + 1] - offsets[segment] + (1 << rounds) - 1) >> rounds


@compiled(f"void({_AT}, {_REFS}, {_OFFSETS}, int64, {_REFS}, {_REFS}, int64)")
def pair_up(
    first: int,
    step: int,
    refs: Refs,
    offsets: Offsets,
    rounds: int,
    left: Refs,
    right: Refs,
    count: int,
) -> None:
    """left[i], right[i]: what entry i after `rounds` + 1 rounds is the sum of; -1 for nothing.

    Before round 0 entries are refs, later the sums of the round before. count: all entries.
    """
    n_segments = offsets.shape[0] - 1
    for i in items(first, step, count):
        low, high = 0, n_segments  # the last segment that starts at i or before
        while high - low > 1:
            middle = (low + high) >> 1
            if place(offsets, middle, rounds + 1) <= i:
                low = middle
            else:
                high = middle
        pair = 2 * (i - place(offsets, low, rounds + 1))
        at = place(offsets, low, rounds) + pair
        present = length(offsets, low, rounds) - pair
        left[i] = -1
        right[i] = -1
        if present > 0:
            left[i] = refs[at] if rounds == 0 else 2 * at
        if present > 1:
            right[i] = refs[at + 1] if rounds == 0 else 2 * (at + 1)


@compiled(f"void({_AT}, {_REFS}, {_OFFSETS}, int64, {_REFS}, {_REFS}, int64)")
def take_ends(
    first: int,
    step: int,
    refs: Refs,
    offsets: Offsets,
    rounds: int,
    left: Refs,
    right: Refs,
    count: int,
) -> None:
    """left[s]: where segment s is when only one entry is left, -1 if it is empty; right[s] = -1."""
    for s in items(first, step, count):
        left[s] = -1
        right[s] = -1
        if length(offsets, s, rounds) > 0:
            at = place(offsets, s, rounds)
            left[s] = refs[at] if rounds == 0 else 2 * at


@compiled(f"void({_AT}, int64, {_REFS}, {_REFS}, int64)")
def neighbours(first: int, step: int, start: int, left: Refs, right: Refs, count: int) -> None:
    """left[i], right[i]: points start + 2 i and start + 2 i + 1."""
    for i in items(first, step, count):
        left[i] = 2 * (start + 2 * i)
        right[i] = 2 * (start + 2 * i + 1)


_ADD = (
    f"void({_AT}, {_WORDS}, {_REFS}, {_REFS}, {_WORDS}, int64, int64, int64, int64, {_WORDS}, "
    "int64)"
)


@inner
def add_share(
    points: Points,
    left: Refs,
    right: Refs,
    out: Points,
    at: int,
    begin: int,
    end: int,
    share: int,
    prefix: Points,
    item: int,
    one: Any,
) -> None:
    """Pairs begin + item * share and following, as many as share, with one inversion."""
    start = begin + item * share
    stop = min(start + share, end)
    mine = prefix[item * share : item * share + (stop - start)]
    add_pairs(
        points,
        left[start:stop],
        points,
        right[start:stop],
        out,
        at + start,
        stop - start,
        mine,
        one,
    )


@compiled(_ADD)
def add_g1(
    first: int,
    step: int,
    points: Points,
    left: Refs,
    right: Refs,
    out: Points,
    at: int,
    begin: int,
    end: int,
    share: int,
    prefix: Points,
    count: int,
) -> None:
    """out[at + i] = points[left[i]] + points[right[i]] for begin <= i < end.

    Each item adds `share` pairs with one inversion; count: items, prefix: uint64[end - begin, 6].
    out may be points where no pair reads what another writes.
    """
    for item in items(first, step, count):
        add_share(points, left, right, out, at, begin, end, share, prefix, item, FQ_ONE)


@compiled(_ADD)
def add_g2(
    first: int,
    step: int,
    points: Points,
    left: Refs,
    right: Refs,
    out: Points,
    at: int,
    begin: int,
    end: int,
    share: int,
    prefix: Points,
    count: int,
) -> None:
    """add_g1 in G2, prefix: uint64[end - begin, 12]."""
    for item in items(first, step, count):
        add_share(points, left, right, out, at, begin, end, share, prefix, item, FQ2_ONE)
