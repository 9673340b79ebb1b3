"""Invariant: evaluations and coefficients of a polynomial over Fr turn into each other.

A domain is the group of n-th roots of unity, n a power of 2 up to 2^32. Values over it stand in
natural order (value i at root^i); coefficients stand in bit-reversed order (coefficient k at
the position whose log2(n) bits are those of k reversed), so that no transform has to reorder.
Ref: Longa, Naehrig, ePrint 2016/504, for one root a block in bit-reversed order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from protocol.crypto.field import R
from protocol.crypto.lane_code import LANES
from protocol.crypto.lane_types import AVAILABLE
from prover.curves.fr import Elements, from_ints
from prover.curves.fr_kernels import double_up, multiply_by
from prover.curves.parallel import ranges, run_all, worker_count

if AVAILABLE:
    from prover.curves.transform_lane_entries import (
        merge_layer,
        merge_layers,
        split_layer,
        split_layers,
    )
else:
    from prover.curves.transform_entries import (
        merge_layer,
        merge_layers,
        split_layer,
        split_layers,
    )

NON_RESIDUE = 5
"""The smallest number that is no square in Fr: its powers give the roots of unity of snarkjs, so
that keys and .zkey files number rows and points alike. Ref: ffjavascript, wasm_field1.js."""
TWO_ADICITY = 32
_Layer = Callable[[Elements, Elements, int, int, int], None]
_LOCAL_LOG = 13  # a block of 2^13 elements stays in a core's cache


@dataclass(frozen=True, slots=True)
class _Step:
    """`count` layers (1 or 2) at once, of which the smallest takes elements 2^log_half apart."""

    log_half: int
    count: int


def _steps(first: int, stop: int) -> list[_Step]:
    """The layers first .. stop - 1, as `merge` goes through them; `split` goes back."""
    odd = stop - first & 1
    pairs = [_Step(log_half, 2) for log_half in range(first + odd, stop, 2)]
    return [_Step(first, 1)] * odd + pairs


def _split_step(values: Elements, roots: Elements, step: _Step, start: int, stop: int) -> None:
    kernel: _Layer = split_layer if step.count == 1 else split_layers
    kernel(values, roots, step.log_half, start, stop)


def _merge_step(values: Elements, roots: Elements, step: _Step, start: int, stop: int) -> None:
    kernel: _Layer = merge_layer if step.count == 1 else merge_layers
    kernel(values, roots, step.log_half, start, stop)


def root_of_unity(log_size: int) -> int:
    """A primitive 2^log_size-th root of unity; its square is root_of_unity(log_size - 1)."""
    if not 0 <= log_size <= TWO_ADICITY:
        raise ValueError(f"Fr has no roots of unity of order 2^{log_size}")
    return pow(NON_RESIDUE, (R - 1) >> log_size, R)


def _doubled(first: int, steps: list[int]) -> Elements:
    """first * product of the steps whose bit is set in the index, for all 2^len(steps) indices."""
    table = np.empty((1 << len(steps), 4), dtype=np.uint64)
    table[0] = from_ints([first])[0]
    double_up(table, from_ints(steps))
    return table


def reversed_powers(first: int, base: int, log_size: int) -> Elements:
    """first * base^(index with its log_size bits reversed), uint64[2^log_size, 4]."""
    return _doubled(first, [pow(base, 1 << log_size - 1 - j, R) for j in range(log_size)])


def powers(first: int, base: int, log_size: int) -> Elements:
    """first * base^index, uint64[2^log_size, 4]."""
    return _doubled(first, [pow(base, 1 << j, R) for j in range(log_size)])


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """The n-th roots of unity, with the tables for transforms over them (n elements in all)."""

    log_size: int
    root: int
    roots: Elements
    inverse_roots: Elements

    @property
    def size(self) -> int:
        return 1 << self.log_size

    def interpolate(self, values: Elements) -> None:
        """In place: n values to n times the coefficients (scale by 1/n afterwards)."""
        self._split(values, self.inverse_roots)

    def evaluate(self, coefficients: Elements) -> None:
        """In place: coefficients to values."""
        self._merge(coefficients, self.roots)

    def scale(self, elements: Elements, factors: Elements) -> None:
        """In place: elements[i] *= factors[i]."""
        pieces = ranges(self.size, worker_count())
        run_all([partial(multiply_by, elements, factors, *piece) for piece in pieces])

    def _split(self, values: Elements, roots: Elements) -> None:
        local = min(self.log_size, _LOCAL_LOG)
        for step in reversed(_steps(local, self.log_size)):
            self._everywhere(partial(_split_step, values, roots, step), step)

        def finish(block: int) -> None:
            for step in reversed(_steps(0, local)):
                start = block << local - step.count
                _split_step(values, roots, step, start, start + (1 << local - step.count))

        self._blocks(finish, local)

    def _merge(self, values: Elements, roots: Elements) -> None:
        local = min(self.log_size, _LOCAL_LOG)

        def begin(block: int) -> None:
            for step in _steps(0, local):
                start = block << local - step.count
                _merge_step(values, roots, step, start, start + (1 << local - step.count))

        self._blocks(begin, local)
        for step in _steps(local, self.log_size):
            self._everywhere(partial(_merge_step, values, roots, step), step)

    def _everywhere(self, work: Callable[[int, int], None], step: _Step) -> None:
        """The step's work on all threads; each begins at a multiple of the lanes."""
        eights = ranges((self.size >> step.count) // LANES, worker_count())
        run_all([partial(work, LANES * start, LANES * stop) for start, stop in eights])

    def _blocks(self, task: Callable[[int], None], local: int) -> None:
        if local == 0:
            return
        blocks = range(self.size >> local)

        def several(start: int, stop: int) -> None:
            for block in blocks[start:stop]:
                task(block)

        pieces = ranges(len(blocks), 4 * worker_count())
        run_all([partial(several, *piece) for piece in pieces])


@lru_cache(maxsize=2)
def domain(log_size: int) -> Domain:
    """The domain of 2^log_size roots of unity. Raises ValueError above 2^32."""
    root = root_of_unity(log_size)
    log_roots = max(log_size - 1, 0)
    return Domain(
        log_size=log_size,
        root=root,
        roots=reversed_powers(1, root, log_roots),
        inverse_roots=reversed_powers(1, pow(root, -1, R), log_roots),
    )
