"""Invariant: the prover needs of a GPU what stands here, and all that is CUDA's is behind it.

Buffers are arrays in the device's memory, of which this side knows the shape alone.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import DTypeLike, NDArray

from protocol.crypto.kernel_cache import Kernel

Shape = tuple[int, ...]


class Buffer(Protocol):
    """An array on a device, C-contiguous; its memory is free again when nobody refers to it."""

    @property
    def shape(self) -> Shape: ...


class Device(Protocol):
    """A processor with its own memory that runs kernels of kernels.py. Raises DeviceFailed."""

    @property
    def name(self) -> str:
        """What the device calls itself."""

    @property
    def threads(self) -> int:
        """About how many threads keep it busy."""

    def free_bytes(self) -> int:
        """Memory that can still be had."""

    def upload(self, array: NDArray[Any]) -> Buffer:
        """A copy of `array` on the device."""

    def empty(self, shape: Shape, dtype: DTypeLike) -> Buffer:
        """A new buffer of at least one entry; what it holds is undefined."""

    def download(self, buffer: Buffer) -> NDArray[Any]:
        """A copy of `buffer`, after all kernels that were started before."""

    def run(self, kernel: Kernel[..., None], count: int, *args: object) -> None:
        """Start the kernel for `count` items, with the arguments between its `step` and `count`."""
