"""A device that is no device: the very kernels of the GPU, compiled for the CPU, thread by thread.

Threads run one after the other, in an order that no kernel may rely on.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from protocol.crypto.kernel_cache import Kernel
from prover.gpu.device import Shape

GARBAGE = 0xA5


class EmulatedDevice:
    """`threads` is kept small, so that small inputs are split among many threads."""

    name = "emulated"

    def __init__(self, threads: int = 24, free_bytes: int = 1 << 30, seed: int = 1) -> None:
        self.threads = threads
        self._free_bytes = free_bytes
        self._random = random.Random(seed)
        self.launches: list[tuple[str, int]] = []

    def free_bytes(self) -> int:
        return self._free_bytes

    def upload(self, array: NDArray[Any]) -> NDArray[Any]:
        return np.array(array, order="C")

    def empty(self, shape: Shape, dtype: DTypeLike) -> NDArray[Any]:
        assert all(length > 0 for length in shape)
        array = np.empty(shape, dtype=dtype)
        array.view(np.uint8).fill(GARBAGE)  # as on a device: nobody cleared it
        return array

    def download(self, buffer: Any) -> NDArray[Any]:
        return np.array(buffer)

    def run(self, kernel: Kernel[..., None], count: int, *args: object) -> None:
        self.launches.append((kernel.name, count))
        step = min(count, self.threads)
        for first in self._random.sample(range(step), step):
            kernel(first, step, *args, count)
