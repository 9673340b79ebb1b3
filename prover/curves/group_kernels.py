"""Invariant: sums of affine points are right for all points, equal, opposite and infinity too.

A point is (x, y), two elements of Fq (G1, 12 words) or Fq2 (G2, 24 words); infinity is (0, 0),
which lies on neither curve. A reference is 2 * index + 1 for a negated point of an array, 2 *
index for the point as it is, and -1 for infinity. `one` is the 1 of the coordinates' field: its
type decides which group a function works in, and whether on one addition or eight at once (where
a point is eight points and a reference eight references), so each is written once for all.
Ref: affine addition with one inversion for a block of additions (Montgomery's trick).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import inlined
from protocol.crypto.kernels import (
    add,
    equal,
    inverse,
    is_zero,
    load,
    mul,
    neg,
    prefetch,
    raw_sub,
    square,
    store,
    sub,
)
from protocol.crypto.lane_kernels import (
    all_lanes,
    any_lane,
    count_up,
    gather,
    indices,
    lanes,
    odd,
    scatter,
    select,
)

Points = NDArray[np.uint64]
Refs = NDArray[np.int32]

BLOCK = 2048
"""Additions that share an inversion."""
_AHEAD = 32
"""Additions between fetching points and using them: points lie in no order in memory."""


@inlined
def load_x(points: Points, ref: Any, one: Any) -> Any:
    """x of a reference; 0 for -1."""
    return gather(points, ref & -2, one)


@inlined
def load_y(points: Points, ref: Any, one: Any) -> Any:
    """y of a reference; 0 for -1."""
    y = gather(points, ref | 1, one)
    negated = odd(ref)
    if any_lane(negated):
        y = select(negated, neg(y), y)
    return y


@inlined
def prefetch_point(points: Points, ref: Any, one: Any) -> None:
    prefetch(points, ref & -2, one)
    prefetch(points, ref | 1, one)


@inlined
def denominator(a: Points, a_ref: Any, px: Any, b: Points, b_ref: Any, qx: Any, one: Any) -> Any:
    """What the slope of p + q is divided by, p = a[a_ref] and q = b[b_ref]; 0 if there is none."""
    difference = sub(qx, px)
    unusual = is_zero(difference) | is_zero(px) | is_zero(qx)
    if any_lane(unusual):
        py, qy = load_y(a, a_ref, one), load_y(b, b_ref, one)
        infinite = (is_zero(px) & is_zero(py)) | (is_zero(qx) & is_zero(qy))
        difference = select(equal(px, qx) & equal(py, qy), add(py, py), difference)
        difference = select(infinite, sub(px, px), difference)
    return difference


@inlined
def sum_by_slope(p: Any, q: Any, inverted: Any) -> Any:
    """p + q, given 1 / denominator(p, q)."""
    numerator = raw_sub(q[1], p[1])
    doubled = equal(p[0], q[0])
    if any_lane(doubled):
        squared = square(p[0])
        numerator = select(doubled, add(add(squared, squared), squared), numerator)
    slope = mul(numerator, inverted)
    x = sub(sub(square(slope), p[0]), q[0])
    return x, sub(mul(slope, raw_sub(p[0], x)), p[1])


@inlined
def sum_without_slope(p: Any, q: Any) -> Any:
    """p + q where denominator(p, q) is 0."""
    no_p, no_q = is_zero(p[0]) & is_zero(p[1]), is_zero(q[0]) & is_zero(q[1])
    zero = sub(p[0], p[0])
    x = select(no_p, q[0], select(no_q, p[0], zero))
    y = select(no_p, q[1], select(no_q, p[1], zero))
    return x, y


@inlined
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
    step = lanes(one)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        product = one
        steps = (stop - start + step - 1) // step
        for k in range(steps):
            store(prefix, k, product)
            at = start + k * step
            ahead = min(at + _AHEAD, stop - 1)
            prefetch_point(a, indices(a_refs, ahead, stop, one), one)
            prefetch_point(b, indices(b_refs, ahead, stop, one), one)
            a_ref, b_ref = indices(a_refs, at, stop, one), indices(b_refs, at, stop, one)
            px, qx = load_x(a, a_ref, one), load_x(b, b_ref, one)
            d = denominator(a, a_ref, px, b, b_ref, qx, one)
            flat = is_zero(d)
            if not all_lanes(flat):
                product = mul(product, select(flat, one, d))
        product = inverse(product)
        for k in range(steps - 1, -1, -1):
            at = start + k * step
            ahead = max(at - _AHEAD, start)
            prefetch_point(a, indices(a_refs, ahead, stop, one), one)
            prefetch_point(b, indices(b_refs, ahead, stop, one), one)
            a_ref, b_ref = indices(a_refs, at, stop, one), indices(b_refs, at, stop, one)
            p = load_x(a, a_ref, one), load_y(a, a_ref, one)
            q = load_x(b, b_ref, one), load_y(b, b_ref, one)
            d = denominator(a, a_ref, p[0], b, b_ref, q[0], one)
            flat = is_zero(d)
            x, y = p
            if not all_lanes(flat):
                inverted = mul(product, load(prefix, k, one))
                product = mul(product, select(flat, one, d))
                x, y = sum_by_slope(p, q, inverted)
            if any_lane(flat):
                plain = sum_without_slope(p, q)
                x, y = select(flat, plain[0], x), select(flat, plain[1], y)
            to = count_up(out_start + at, out_start + stop, 2, one)
            scatter(out, to, x)
            scatter(out, to | 1, y)
