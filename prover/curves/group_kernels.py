"""Invariant: sums of affine points are right for all points, equal, opposite and infinity too.

A point is (x, y), two elements of Fq (G1, 12 words) or Fq2 (G2, 24 words); infinity is (0, 0),
which lies on neither curve. A reference is 2 * index + 1 for a negated point of an array, 2 *
index for the point as it is, and -1 for infinity. `one` is the 1 of the coordinates' field: its
type decides which group a function works in, so each is written once for both.
Ref: affine addition with one inversion for a block of additions (Montgomery's trick).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import inner
from protocol.crypto.kernels import (
    add,
    equal,
    inverse,
    is_zero,
    load,
    mul,
    neg,
    square,
    store,
    sub,
)

Points = NDArray[np.uint64]
Refs = NDArray[np.int32]
Offsets = NDArray[np.int64]

BLOCK = 1024
"""Additions that share an inversion."""


@inner
def load_point(points: Points, ref: int, one: Any) -> Any:
    """(x, y) of a reference; (0, 0) for -1."""
    if ref < 0:
        zero = sub(one, one)
        return zero, zero
    y = load(points, (ref >> 1) * 2 + 1, one)
    if ref & 1:
        y = neg(y)
    return load(points, (ref >> 1) * 2, one), y


@inner
def denominator(p: Any, q: Any, one: Any) -> Any:
    """What the slope of p + q is divided by; 0 where the sum needs no slope."""
    if (is_zero(p[0]) and is_zero(p[1])) or (is_zero(q[0]) and is_zero(q[1])):
        return sub(one, one)
    difference = sub(q[0], p[0])
    if is_zero(difference) and equal(p[1], q[1]):
        return add(p[1], p[1])
    return difference


@inner
def store_sum(p: Any, q: Any, inverted: Any, out: Points, at: int) -> None:
    """out[at] = p + q, given 1 / denominator(p, q)."""
    if equal(p[0], q[0]):
        squared = square(p[0])
        slope = mul(add(add(squared, squared), squared), inverted)
    else:
        slope = mul(sub(q[1], p[1]), inverted)
    x = sub(sub(square(slope), p[0]), q[0])
    store(out, 2 * at, x)
    store(out, 2 * at + 1, sub(mul(slope, sub(p[0], x)), p[1]))


@inner
def store_without_slope(p: Any, q: Any, out: Points, at: int) -> None:
    """out[at] = p + q where denominator(p, q) is 0."""
    if is_zero(p[0]) and is_zero(p[1]):
        store(out, 2 * at, q[0])
        store(out, 2 * at + 1, q[1])
    elif is_zero(q[0]) and is_zero(q[1]):
        store(out, 2 * at, p[0])
        store(out, 2 * at + 1, p[1])
    else:
        zero = sub(p[0], p[0])
        store(out, 2 * at, zero)
        store(out, 2 * at + 1, zero)


@inner
def add_pairs(
    a: Points,
    a_refs: Refs,
    b: Points,
    b_refs: Refs,
    out: Points,
    out_start: int,
    count: int,
    prefix: Points,
    one: Any,
) -> None:
    """out[out_start + i] = a[a_refs[i]] + b[b_refs[i]] for i < count; out may be a, at a_refs."""
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        product = one
        for i in range(start, stop):
            store(prefix, i - start, product)
            p = load_point(a, a_refs[i], one)
            d = denominator(p, load_point(b, b_refs[i], one), one)
            if not is_zero(d):
                product = mul(product, d)
        product = inverse(product)
        for i in range(stop - 1, start - 1, -1):
            p = load_point(a, a_refs[i], one)
            q = load_point(b, b_refs[i], one)
            d = denominator(p, q, one)
            if is_zero(d):
                store_without_slope(p, q, out, out_start + i)
            else:
                inverted = mul(product, load(prefix, i - start, one))
                product = mul(product, d)
                store_sum(p, q, inverted, out, out_start + i)


@inner
def literal_free(number: int) -> int:
    """`number`; written as a literal it would make Numba compile a function for it alone."""
    return int(np.int64(number))


@inner
def store_point(point: Any, out: Points, at: int) -> None:
    store(out, 2 * at, point[0])
    store(out, 2 * at + 1, point[1])


@inner
def sum_segments(points: Points, refs: Refs, offsets: Offsets, out: Points, one: Any) -> None:
    """out[s] = sum of the points of refs[offsets[s] : offsets[s + 1]], each a binary tree.

    Each round adds neighbours of all segments that are longer than one point.
    """
    n_segments, width = offsets.shape[0] - 1, points.shape[1]
    room = (refs.shape[0] + n_segments) // 2
    left, right = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    sums = np.empty((room, width), dtype=np.uint64)
    next_sums = np.empty(((room + n_segments) // 2, width), dtype=np.uint64)
    prefix = np.empty((BLOCK, width // 2), dtype=np.uint64)
    active = np.empty(n_segments, dtype=np.int64)
    starts, lengths = np.empty_like(active), np.empty_like(active)
    for segment in range(n_segments):
        active[segment], starts[segment] = segment, offsets[segment]
        lengths[segment] = offsets[segment + 1] - offsets[segment]
    in_order = np.empty(room, dtype=np.int32)
    for i in range(room):
        in_order[i] = 2 * i
    source, n_active = points, n_segments
    while n_active > 0:
        count, kept = 0, 0
        for k in range(n_active):
            segment, start, length = active[k], starts[k], lengths[k]
            if length < 2:
                ref = refs[start] if length == 1 else -1
                store_point(load_point(source, ref, one), out, segment)
                continue
            active[kept], starts[kept], lengths[kept] = segment, count, (length + 1) // 2
            kept += 1
            for i in range(start, start + length, 2):
                left[count] = refs[i]
                right[count] = refs[i + 1] if i + 1 < start + length else -1
                count += 1
        n_active = kept
        add_pairs(source, left, source, right, sums, literal_free(0), count, prefix, one)
        source, refs = sums, in_order
        sums, next_sums = next_sums, sums


@inner
def window_sums(points: Points, digits: Refs, log_buckets: int, out: Points, one: Any) -> None:
    """The sum over l of 2^l out[l], 1 + log_buckets points, is that of digits[i] * points[i].

    digits: of magnitude at most 2^log_buckets. Bucket k holds the points of magnitude k, and
    bucket 0, as zeros are left out, those of magnitude 2^log_buckets.
    """
    n_buckets = 1 << log_buckets
    offsets = np.zeros(n_buckets + 1, dtype=np.int64)
    ends = np.empty(n_buckets, dtype=np.int64)
    for digit in digits:
        if digit != 0:
            offsets[(abs(digit) & (n_buckets - 1)) + 1] += 1
    for bucket in range(n_buckets):
        ends[bucket] = offsets[bucket]
        offsets[bucket + 1] += offsets[bucket]
    refs = np.empty(offsets[n_buckets], dtype=np.int32)
    for i in range(digits.shape[0]):
        digit = digits[i]
        if digit != 0:
            bucket = abs(digit) & (n_buckets - 1)
            refs[ends[bucket]] = 2 * i + (digit < 0)
            ends[bucket] += 1
    levels = np.empty((2 * n_buckets, points.shape[1]), dtype=np.uint64)
    sum_segments(points, refs, offsets, levels, one)
    sum_bits(levels, log_buckets, out, one)


@inner
def sum_bits(levels: Points, log_size: int, out: Points, one: Any) -> None:
    """out[l] = sum of the levels[k] whose k has bit l, for l < log_size; out[log_size] = levels[0].

    levels: 2^log_size points and room for as many more. Neighbours are added level by level, so
    that the odd entries of level l are together what has bit l.
    """
    size = 1 << log_size
    prefix = np.empty((BLOCK, levels.shape[1] // 2), dtype=np.uint64)
    even, odd = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    offsets = np.zeros(log_size + 2, dtype=np.int64)
    refs = np.empty(size, dtype=np.int32)
    start, n_refs = 0, 0
    for level in range(log_size):
        half = size >> level + 1
        for i in range(half):
            even[i], odd[i] = 2 * (start + 2 * i), 2 * (start + 2 * i + 1)
            refs[n_refs + i] = odd[i]
        n_refs += half
        offsets[level + 1] = n_refs
        start += 2 * half
        add_pairs(levels, even, levels, odd, levels, start, half, prefix, one)
    refs[n_refs] = 0
    offsets[log_size + 1] = n_refs + 1
    sum_segments(levels, refs, offsets, out, one)
