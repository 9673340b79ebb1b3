"""Invariant: each function on points that Python calls exists for G1 and for G2."""

from __future__ import annotations

from protocol.crypto.kernel_cache import Compiler
from protocol.crypto.kernels import FQ2_ONE, FQ_ONE
from prover.curves import endomorphism_kernels, group_kernels
from prover.curves.endomorphism_kernels import (
    CUBE_ROOT,
    X_FACTOR,
    Y_FACTOR,
    times_z,
    times_z_squared,
)
from prover.curves.group_kernels import Points, Refs, add_pairs

compiled = Compiler(__file__, group_kernels.__file__, endomorphism_kernels.__file__)
_POINTS, _REFS = "uint64[:,::1]", "int32[::1]"
_TIMES = f"void({_POINTS}, {_REFS}, {_POINTS})"
_PAIRS = f"void({_POINTS}, {_REFS}, {_POINTS}, {_REFS}, {_POINTS}, int64, int64, {_POINTS})"


@compiled(_PAIRS)
def add_pairs_g1(
    a: Points, a_refs: Refs, b: Points, b_refs: Refs, out: Points, at: int, n: int, prefix: Points
) -> None:
    add_pairs(a, a_refs, b, b_refs, out, at, n, prefix, FQ_ONE)


@compiled(_PAIRS)
def add_pairs_g2(
    a: Points, a_refs: Refs, b: Points, b_refs: Refs, out: Points, at: int, n: int, prefix: Points
) -> None:
    add_pairs(a, a_refs, b, b_refs, out, at, n, prefix, FQ2_ONE)


@compiled(_TIMES)
def times_base_g1(points: Points, refs: Refs, out: Points) -> None:
    times_z_squared(points, refs, out, CUBE_ROOT, FQ_ONE)


@compiled(_TIMES)
def times_base_g2(points: Points, refs: Refs, out: Points) -> None:
    times_z(points, refs, out, X_FACTOR, Y_FACTOR, FQ2_ONE)
