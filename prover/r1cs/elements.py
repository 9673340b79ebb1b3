"""Invariant: ints and arrays of elements in Montgomery form say the same, in the same order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prover.r1cs.tape_kernels import from_montgomery, to_montgomery


def encode(numbers: Sequence[int]) -> NDArray[np.uint64]:
    """Ints in 0 .. r - 1 as uint64[n, 4] in Montgomery form."""
    raw = b"".join(number.to_bytes(32, "little") for number in numbers)
    elements = np.frombuffer(bytearray(raw), dtype="<u8").reshape(-1, 4).astype(np.uint64)
    to_montgomery(elements)
    return elements


def decode(elements: NDArray[np.uint64]) -> list[int]:
    """uint64[n, 4] in Montgomery form as ints in 0 .. r - 1."""
    plain = np.array(elements, dtype=np.uint64, order="C")
    from_montgomery(plain)
    raw = plain.astype("<u8").tobytes()
    return [int.from_bytes(raw[i : i + 32], "little") for i in range(0, len(raw), 32)]
