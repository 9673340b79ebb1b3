"""Invariant: layers of transforms, an element at a time, for any processor."""

from __future__ import annotations

from protocol.crypto.kernel_cache import Compiler
from protocol.crypto.kernels import FR_ONE
from prover.curves import transform_kernels
from prover.curves.transform_kernels import Array, merge, merge_twice, split, split_twice

compiled = Compiler(__file__, transform_kernels.__file__)
_LAYER = "void(uint64[:,::1], uint64[:,::1], int64, int64, int64)"


@compiled(_LAYER)
def split_layer(values: Array, roots: Array, log_half: int, start: int, stop: int) -> None:
    for at in range(start, stop):
        split(values, roots, log_half, at, stop, FR_ONE)


@compiled(_LAYER)
def merge_layer(values: Array, roots: Array, log_half: int, start: int, stop: int) -> None:
    for at in range(start, stop):
        merge(values, roots, log_half, at, stop, FR_ONE)


@compiled(_LAYER)
def split_layers(values: Array, roots: Array, log_half: int, start: int, stop: int) -> None:
    for at in range(start, stop):
        split_twice(values, roots, log_half, at, stop, FR_ONE)


@compiled(_LAYER)
def merge_layers(values: Array, roots: Array, log_half: int, start: int, stop: int) -> None:
    for at in range(start, stop):
        merge_twice(values, roots, log_half, at, stop, FR_ONE)
