"""Invariant: a layer of a transform, or two at once, is written once for one and eight lanes.

Layer 2^l of `split` takes blocks of 2 * 2^l elements: block b: (u, v) -> (u + w v, u - w v) with
w = roots[b], u and v 2^l apart. `merge` is the other way: (u, v) -> (u + v, (u - v) w). Two
layers at once touch memory half as often. Work is counted in butterflies of one layer, or in
fours of them (`twice`); pieces of it may be done in any order and by any thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import inlined
from protocol.crypto.kernels import add, mul, sub
from protocol.crypto.lane_kernels import count_up, gather, lanes, load_one, scatter

Array = NDArray[np.uint64]


@inlined
def root(roots: Array, at: int, index: Any, log_half: int, one: Any) -> Any:
    """The roots of butterflies `index`, which begin with number `at`."""
    if 1 << log_half < lanes(one):
        return gather(roots, index >> log_half, one)
    return load_one(roots, at >> log_half, one)


@inlined
def split(values: Array, roots: Array, log_half: int, at: int, stop: int, one: Any) -> None:
    """Butterflies at .. stop - 1, at most as many as there are lanes."""
    index = count_up(at, stop, 1, one)
    low = (index >> log_half << log_half) + index
    high = low + (1 << log_half)
    u = gather(values, low, one)
    v = mul(gather(values, high, one), root(roots, at, index, log_half, one))
    scatter(values, low, add(u, v))
    scatter(values, high, sub(u, v))


@inlined
def merge(values: Array, roots: Array, log_half: int, at: int, stop: int, one: Any) -> None:
    index = count_up(at, stop, 1, one)
    low = (index >> log_half << log_half) + index
    high = low + (1 << log_half)
    u, v = gather(values, low, one), gather(values, high, one)
    scatter(values, low, add(u, v))
    scatter(values, high, mul(sub(u, v), root(roots, at, index, log_half, one)))


@inlined
def split_twice(values: Array, roots: Array, log_half: int, at: int, stop: int, one: Any) -> None:
    """Fours at .. stop - 1 of the layers 2^(log_half + 1), then 2^log_half."""
    index = count_up(at, stop, 1, one)
    block = index >> log_half << log_half
    p0 = (block << 1) + block + index
    p1 = p0 + (1 << log_half)
    p2 = p1 + (1 << log_half)
    p3 = p2 + (1 << log_half)
    w = root(roots, at, index, log_half, one)
    v2, v3 = mul(gather(values, p2, one), w), mul(gather(values, p3, one), w)
    u0, u1 = gather(values, p0, one), gather(values, p1, one)
    a0, a1, a2, a3 = add(u0, v2), add(u1, v3), sub(u0, v2), sub(u1, v3)
    a1 = mul(a1, second_root(roots, at, index, log_half, 0, one))
    a3 = mul(a3, second_root(roots, at, index, log_half, 1, one))
    scatter(values, p0, add(a0, a1))
    scatter(values, p1, sub(a0, a1))
    scatter(values, p2, add(a2, a3))
    scatter(values, p3, sub(a2, a3))


@inlined
def merge_twice(values: Array, roots: Array, log_half: int, at: int, stop: int, one: Any) -> None:
    """Fours at .. stop - 1 of the layers 2^log_half, then 2^(log_half + 1)."""
    index = count_up(at, stop, 1, one)
    block = index >> log_half << log_half
    p0 = (block << 1) + block + index
    p1 = p0 + (1 << log_half)
    p2 = p1 + (1 << log_half)
    p3 = p2 + (1 << log_half)
    x0, x1 = gather(values, p0, one), gather(values, p1, one)
    x2, x3 = gather(values, p2, one), gather(values, p3, one)
    a1 = mul(sub(x0, x1), second_root(roots, at, index, log_half, 0, one))
    a3 = mul(sub(x2, x3), second_root(roots, at, index, log_half, 1, one))
    a0, a2 = add(x0, x1), add(x2, x3)
    w = root(roots, at, index, log_half, one)
    scatter(values, p0, add(a0, a2))
    scatter(values, p1, add(a1, a3))
    scatter(values, p2, mul(sub(a0, a2), w))
    scatter(values, p3, mul(sub(a1, a3), w))


@inlined
def second_root(roots: Array, at: int, index: Any, log_half: int, odd: int, one: Any) -> Any:
    """The roots of the smaller layer: of block 2 b, or 2 b + 1 if odd."""
    if 1 << log_half < lanes(one):
        return gather(roots, (index >> log_half << 1) + odd, one)
    return load_one(roots, 2 * (at >> log_half) + odd, one)
