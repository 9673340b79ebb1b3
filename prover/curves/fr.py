"""Invariant: ints and arrays of Fr elements turn into each other without loss, or it is an error.

An array of elements is uint64[n, 4], words least significant first, Montgomery form, each
element below r.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr_kernels import enter_montgomery, invert, leave_montgomery
from prover.errors import ProverError

Elements = NDArray[np.uint64]


@dataclass(eq=False)
class NotInField(ProverError):
    """An int is not in 0 .. r - 1."""

    number: int

    def __str__(self) -> str:
        return f"{self.number} is not an element of Fr: it must be in 0 .. r - 1"


def from_ints(numbers: Sequence[int]) -> Elements:
    """The elements uint64[n, 4] of `numbers`. Raises NotInField."""
    try:
        data = b"".join([number.to_bytes(32, "little") for number in numbers])
    except OverflowError as error:
        raise _first_outside(numbers) from error
    words = np.frombuffer(data, dtype="<u8").astype(np.uint64, copy=False).reshape(-1, 4)
    if numbers and max(numbers) >= R:
        raise _first_outside(numbers)
    return from_canonical(words)


def from_canonical(words: Elements) -> Elements:
    """The elements of plain 256-bit numbers, given as words; they are reduced mod r."""
    elements = np.empty((words.shape[0], 4), dtype=np.uint64)
    enter_montgomery(np.ascontiguousarray(words), elements)
    return elements


def to_canonical(elements: Elements) -> Elements:
    """The words (uint64[n, 4]) of the plain numbers 0 .. r - 1 that `elements` stand for."""
    words = np.empty((elements.shape[0], 4), dtype=np.uint64)
    leave_montgomery(np.ascontiguousarray(elements), words)
    return words


def to_ints(elements: Elements) -> list[int]:
    """The ints 0 .. r - 1 that `elements` (uint64[n, 4]) stand for."""
    data = to_canonical(elements).astype("<u8", copy=False).tobytes()
    return [int.from_bytes(data[i : i + 32], "little") for i in range(0, len(data), 32)]


def inverses(elements: Elements) -> Elements:
    """1 / x for each element, and 0 for 0."""
    result = elements.copy()
    invert(result, np.empty_like(result), 0, result.shape[0])
    return result


def _first_outside(numbers: Sequence[int]) -> NotInField:
    return NotInField(next(number for number in numbers if not 0 <= number < R))
