"""Invariant: no error of CUDA or numba-cuda leaves here but as DeviceFailed.

One default stream: what was started first is done first, so nothing has to wait but downloads.
Importing this module needs numba-cuda.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from protocol.crypto.kernel_cache import Kernel
from prover.gpu.device import Buffer, Shape
from prover.gpu.errors import DeviceFailed
from prover.gpu.target import compile_for_device, cuda

_BLOCK = 128
"""Threads of a block: two blocks of additions in G2, at 255 registers, fill a multiprocessor."""
_THREADS = 256
"""Threads of a multiprocessor for which there are registers, whatever they do."""
_BLOCKS = 64
"""Blocks for each multiprocessor at most; threads do several items where there are more."""


class CudaDevice:
    """The current CUDA device. Raises DeviceFailed where there is none that works."""

    def __init__(self) -> None:
        self.name = "CUDA"
        with self._failing():
            device = cuda.get_current_device()
            name = device.name
            self.name = name.decode() if isinstance(name, bytes) else str(name)
            self._multiprocessors = int(device.MULTIPROCESSOR_COUNT)
        self._compiled: dict[int, Any] = {}

    @property
    def threads(self) -> int:
        return self._multiprocessors * _THREADS

    def free_bytes(self) -> int:
        with self._failing():
            context = cuda.current_context()
            context.deallocations.clear()  # what Numba would free later
            return int(context.get_memory_info().free)

    def upload(self, array: NDArray[Any]) -> Buffer:
        with self._failing():
            buffer: Buffer = cuda.to_device(np.ascontiguousarray(array))
            return buffer

    def empty(self, shape: Shape, dtype: DTypeLike) -> Buffer:
        with self._failing():
            buffer: Buffer = cuda.device_array(shape, dtype=dtype)
            return buffer

    def download(self, buffer: Any) -> NDArray[Any]:
        with self._failing():
            array: NDArray[Any] = buffer.copy_to_host()
            return array

    def run(self, kernel: Kernel[..., None], count: int, *args: object) -> None:
        if count == 0:
            return
        with self._failing():
            compiled = self._compiled.get(id(kernel))
            if compiled is None:
                compiled = self._compiled[id(kernel)] = compile_for_device(kernel)
            blocks = min(-(-count // _BLOCK), self._multiprocessors * _BLOCKS)
            compiled[blocks, _BLOCK](0, 0, *args, count)

    def synchronize(self) -> None:
        """Wait until everything that was started is done, for who measures."""
        with self._failing():
            cuda.synchronize()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # of the driver, its bindings, NVVM, Numba: no common base
            raise DeviceFailed(self.name, f"{type(error).__name__}: {error}") from error
