"""Invariant: points are copied as references say."""

from __future__ import annotations

from typing import Any

from protocol.crypto.kernel_cache import Compiler, inner
from protocol.crypto.kernels import FQ2_ONE, FQ_ONE, store
from prover.curves import group_kernels
from prover.curves.group_kernels import Points, Refs, load_x, load_y, prefetch_point

compiled = Compiler(__file__, group_kernels.__file__)
_COPY = "void(uint64[:,::1], int32[::1], uint64[:,::1], int64)"
_AHEAD = 16
"""Points between fetching one and using it."""


@inner
def copy(points: Points, refs: Refs, out: Points, out_start: int, one: Any) -> None:
    """out[out_start + i] = points[refs[i]] for all i; infinity for -1."""
    for i in range(refs.shape[0]):
        ahead = refs[min(i + _AHEAD, refs.shape[0] - 1)]
        if ahead >= 0:
            prefetch_point(points, ahead, one)
        store(out, 2 * (out_start + i), load_x(points, refs[i], one))
        store(out, 2 * (out_start + i) + 1, load_y(points, refs[i], one))


@compiled(_COPY)
def copy_g1(points: Points, refs: Refs, out: Points, at: int) -> None:
    copy(points, refs, out, at, FQ_ONE)


@compiled(_COPY)
def copy_g2(points: Points, refs: Refs, out: Points, at: int) -> None:
    copy(points, refs, out, at, FQ2_ONE)
