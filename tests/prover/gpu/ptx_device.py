"""A device that runs what NVIDIA's compiler makes of the kernels, for want of a GPU on the CPU.

Compiling needs numba-cuda and NVIDIA's compiler library, but neither driver nor device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.kernel_cache import Kernel
from tests.prover.gpu.emulated import EmulatedDevice
from tests.prover.gpu.ptx_machine import PtxProgram

BLOCK = 32


@contextmanager
def compiling_for(capability: tuple[int, int]) -> Iterator[None]:
    """numba-cuda believes in a device of this capability, for compiling; nothing can be run."""
    from numba.cuda import codegen, dispatcher

    device = SimpleNamespace(compute_capability=capability)
    context = SimpleNamespace(get_context=lambda: SimpleNamespace(device=device))
    with (
        patch.object(dispatcher, "get_current_device", lambda: device),
        patch.object(codegen, "devices", context),
        patch.object(dispatcher._Kernel, "bind", lambda self: None),
    ):
        yield


def compiled(kernel: Kernel[..., None], capability: tuple[int, int]) -> tuple[str, bytes]:
    """The PTX and the machine code of a kernel, made as on a machine with such a device."""
    from prover.gpu import target

    made_before = (target._replacements, target._overload_names, target._device, target.rebuilt)
    for made in made_before:
        made.cache_clear()  # a device function belongs to the capability that it was made for
    with compiling_for(capability):
        dispatcher = target.compile_for_device(kernel)
        [made_for] = dispatcher.overloads.values()
        code = made_for._codelibrary
        return code.get_asm_str(), bytes(code.get_cubin().code)


@cache
def program(kernel: Kernel[..., None]) -> PtxProgram:
    """The kernel's PTX for an H100, to be run here."""
    return PtxProgram(compiled(kernel, (9, 0))[0])


class PtxDevice(EmulatedDevice):
    """Blocks of 32 threads, as many as there are items, but at most `threads` in all."""

    name = "PTX on the CPU"

    def run(self, kernel: Kernel[..., None], count: int, *args: object) -> None:
        self.launches.append((kernel.name, count))
        given = [word for argument in (0, 0, *args, count) for word in _words(argument)]
        run = program(kernel).function
        blocks = min(-(-count // BLOCK), max(1, self.threads // BLOCK))
        for block in self._random.sample(range(blocks), blocks):
            for thread in self._random.sample(range(BLOCK), BLOCK):
                run(*given, thread, block, BLOCK, blocks)


def _words(argument: Any) -> list[int]:
    """An argument as numba-cuda passes it: an array is its descriptor."""
    if isinstance(argument, np.ndarray):
        array: NDArray[Any] = argument
        head = [0, 0, array.size, array.itemsize, array.ctypes.data]
        return [*head, *array.shape, *array.strides]
    return [int(argument) % (1 << 64)]
