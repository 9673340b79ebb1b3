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
    prefetch,
    square,
    store,
    sub,
)

Points = NDArray[np.uint64]
Refs = NDArray[np.int32]

BLOCK = 2048
"""Additions that share an inversion."""
_AHEAD = 8
"""Additions between fetching points and using them: points lie in no order in memory."""


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
def prefetch_point(points: Points, ref: int, one: Any) -> None:
    if ref >= 0:
        prefetch(points, (ref >> 1) * 2, one)
        prefetch(points, (ref >> 1) * 2 + 1, one)


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
            ahead = min(i + _AHEAD, stop - 1)
            prefetch_point(a, a_refs[ahead], one)
            prefetch_point(b, b_refs[ahead], one)
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
