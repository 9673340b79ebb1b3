"""Invariant: what runs on a GPU is the very functions that run on the CPU, decorated again.

`rebuilt` copies a function with other globals: each operation of protocol/crypto/kernels.py is
replaced by the same definition as numba-cuda's intrinsic, each @inner function by a device
function rebuilt in the same way. Only what asks the hardware which thread it is, what adds
atomically, and the prefetch (a GPU has other warps to run meanwhile) are other code here.

Importing this module needs numba-cuda, but no device.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
from numba import types
from numba.core.dispatcher import Dispatcher

from protocol.crypto import kernels as operations
from protocol.crypto.kernel_cache import Kernel
from protocol.crypto.lane_kernels import CHOOSERS
from prover.gpu import kernels

if not hasattr(np, "row_stack"):  # gone from NumPy 2.5, and numba-cuda 0.30 asks for it
    np.row_stack = np.vstack
cuda: Any = import_module("numba.cuda")
_extending: Any = import_module("numba.cuda.extending")
_config: Any = import_module("numba.cuda.core.config")
_config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # the last rounds of a sum are small, and that is right
_device_function: Any = cuda.jit(device=True, lto=False)
_NAMES = (
    *("add", "sub", "raw_sub", "neg", "mul", "square", "inverse", "is_zero", "equal"),
    *("load", "store", "mul_high"),
)


def _define_no_prefetch(typing_context: Any, array: Any, index: Any, like: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.get_dummy_value()

    return types.void(array, types.int64, like), codegen


def _items(first: int, step: int, count: int) -> Any:
    return range(cuda.grid(1), count, cuda.gridsize(1))


def _fetch_add(counts: Any, at: int) -> Any:
    return cuda.atomic.add(counts, at, 1)


def _stub() -> Any:
    def stub(*args: Any) -> Any:
        raise NotImplementedError("for compiled code only")

    return stub


@cache
def _replacements() -> dict[int, Any]:
    """What stands for an object of the CPU, by the object's id (these objects live as long)."""
    made: dict[int, Any] = {
        id(getattr(operations, name)): _extending.intrinsic(getattr(operations, f"define_{name}"))
        for name in _NAMES
    }
    made[id(operations.prefetch)] = _extending.intrinsic(_define_no_prefetch)
    made[id(kernels.items)] = _device_function(_items)
    made[id(kernels.fetch_add)] = _device_function(_fetch_add)
    made |= {id(name): _stub() for name in CHOOSERS if name not in vars(operator).values()}
    return made


@cache
def _overload_names() -> None:
    """What lane_kernels.py chooses by types is chosen here too, of what is for a GPU."""
    for name, chooser in CHOOSERS.items():
        stub = _replacements().get(id(name))
        if stub is not None:
            _extending.overload(stub)(_copied(chooser))


def _replaced(value: Any) -> Any:
    replacement = _replacements().get(id(value))
    if replacement is not None:
        return replacement
    return _device(value) if isinstance(value, Dispatcher) else value


@cache
def _device(dispatcher: Any) -> Any:
    """The device function of a function that @inner decorated."""
    return _device_function(rebuilt(dispatcher.py_func))


@cache
def rebuilt(function: Any) -> Callable[..., Any]:
    """`function` with everything in its globals that is for the CPU replaced.

    What it uses must be in its own globals: nothing is looked for behind a module but NumPy's.
    """
    for name in _names(function.__code__):
        value = function.__globals__.get(name)
        hidden = isinstance(value, ModuleType) and value is not np
        assert not hidden, f"{function.__name__} must import from {name} what it uses"
    return _copied(function)


def _copied(function: Any) -> Callable[..., Any]:
    scope = dict(function.__globals__)
    for name in _names(function.__code__):
        if name in scope:
            scope[name] = _replaced(scope[name])
    copy = FunctionType(function.__code__, scope, function.__name__)
    copy.__module__, copy.__annotations__ = function.__module__, function.__annotations__
    return copy


def _names(code: CodeType) -> set[str]:
    """The globals that a function uses, and those in it."""
    inside = [const for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*map(_names, inside))


def compile_for_device(kernel: Kernel[..., None]) -> Any:
    """The kernel for the current device, to be launched as kernel[blocks, threads](...)."""
    _overload_names()
    # lto=False: what is linked is the PTX that tests look at
    return cuda.jit(kernel.signature, lto=False)(rebuilt(kernel.function))
