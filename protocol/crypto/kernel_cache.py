"""Invariant: a compiled kernel is what its sources say, whoever edited them, and is found again.

How to write a kernel, on the operations of protocol/crypto/kernels.py, in a file that holds
nothing else:

    compiled = Compiler(__file__)          # + the files whose @inner functions it uses

    @inner                                 # callable from compiled code only
    def fifth_power(x): ...

    @compiled("void(uint64[:,::1])")       # callable from Python, runs without the GIL
    def fifth_powers(elements): ...

A kernel is compiled for that one signature, at its first call or by `compile_all`, and kept in
a folder of its own in the user's cache folder. Numba does not see an edited inner function in
another file, so the name above it hashes the sources, the versions of Numba, LLVM and NumPy, and
the processor. A folder appears under its name only when it is whole and on the disk, with the
hashes of its files, which are checked before one of them is loaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, ParamSpec, TypeVar

import llvmlite
import numba
import numpy as np
import platformdirs
from llvmlite import binding
from numba.core import config

from protocol.crypto import field_code, inversion_code, kernels, lane_code, lane_types
from protocol.errors import ProtocolError

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_njit: Any = numba.njit
_config: Any = config
_OPTIONS = {"nogil": True, "error_model": "numpy"}
_ALWAYS = (
    field_code.__file__,
    inversion_code.__file__,
    kernels.__file__,
    lane_code.__file__,
    lane_types.__file__,
    str(Path(__file__).with_name("lane_kernels.py")),  # which needs this file
)
_SUMS, _PART = "hashes.json", ".part"
_LOCK = threading.RLock()  # Numba's cache folder is a setting of the process
_ALL: list[Kernel[Any, Any]] = []


class KernelCacheUnwritable(ProtocolError):
    """The folder for compiled kernels cannot be written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return (
            f"compiled kernels cannot be kept in {self.folder}: make it writable, or name "
            "another folder in WATTLANE_CACHE"
        )


def cache_root() -> Path:
    """The folder for all that can be made again: $WATTLANE_CACHE, else the user's cache folder."""
    named = os.environ.get("WATTLANE_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("wattlane"))


def inner(function: F) -> F:
    """Make `function` callable from compiled functions; it compiles with each that uses it."""
    compiled: F = _njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **_OPTIONS)(function)
    return compiled


def inlined(function: F) -> F:
    """As `inner`, but copied to each use: for large arguments, which calls pass through memory."""
    compiled: F = _njit(
        no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **_OPTIONS
    )(function)
    return compiled


class Kernel(Generic[P, T]):
    """A compiled function of one signature, callable from Python."""

    def __init__(self, function: Callable[P, T], signature: str, compiler: Compiler) -> None:
        self.function, self.signature, self.compiler = function, signature, compiler
        self.name = function.__name__
        self._dispatcher: Callable[P, T] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return (self._dispatcher or self.compile())(*args, **kwargs)

    def compile(self) -> Callable[P, T]:
        """Load the kernel from the cache, or compile it and keep it there.

        Raises KernelCacheUnwritable.
        """
        with _LOCK:
            if self._dispatcher is None:
                try:
                    self._dispatcher = self._load_or_make(self.compiler.folder() / self.name)
                except OSError as error:
                    raise KernelCacheUnwritable(self.compiler.folder()) from error
            return self._dispatcher

    def _load_or_make(self, folder: Path) -> Callable[P, T]:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if _is_whole(folder):
            return self._build(folder)
        with TemporaryDirectory(dir=folder.parent, prefix=".", suffix=_PART) as name:
            part = Path(name) / "new"
            part.mkdir()
            if folder.is_dir():
                folder.rename(Path(name) / "damaged")
            dispatcher = self._build(part)
            _seal(part)
            try:
                part.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was first
                    raise
            return dispatcher

    def _build(self, folder: Path) -> Callable[P, T]:
        """The dispatcher, from Numba's cache in the folder or compiled into it."""
        before, _config.CACHE_DIR = _config.CACHE_DIR, str(folder)
        try:
            dispatcher: Any = _njit(cache=True, **_OPTIONS)(self.function)
            dispatcher.compile(self.signature)
        finally:
            _config.CACHE_DIR = before
        dispatcher.disable_compile()
        compiled: Callable[P, T] = dispatcher
        return compiled


class Compiler:
    """Makes kernels of the functions of one source file."""

    def __init__(self, *sources: str) -> None:
        """`sources`: the file itself, then the files whose inner functions it uses."""
        self.sources = sources

    def __call__(self, signature: str) -> Callable[[Callable[P, T]], Kernel[P, T]]:
        def decorate(function: Callable[P, T]) -> Kernel[P, T]:
            kernel = Kernel(function, signature, self)
            _ALL.append(kernel)
            return kernel

        return decorate

    def folder(self) -> Path:
        """Where the kernels of these sources are kept."""
        state = hashlib.sha256(_platform())
        own = Path(self.sources[0]).resolve()
        state.update(f"{own} {own.stat().st_mtime_ns}".encode())  # what Numba looks at
        for source in (*_ALWAYS, *self.sources):
            state.update(hashlib.sha256(Path(source).read_bytes()).digest())
        return cache_root() / "kernels" / state.hexdigest()[:24]


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _SUMS)
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def _is_whole(folder: Path) -> bool:
    """Whether the folder's files are those that it was sealed with."""
    try:
        sums = json.loads((folder / _SUMS).read_text())
    except (OSError, ValueError):
        return False
    return bool(sums) and sums == _hashes(folder)


def _seal(folder: Path) -> None:
    """Write the hashes of the folder's files, and wait until all of it is on the disk."""
    (folder / _SUMS).write_text(json.dumps(_hashes(folder)))
    for path in (*folder.rglob("*"), folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@cache
def _platform() -> bytes:
    versions = (numba.__version__, llvmlite.__version__, np.__version__)
    processor = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    return "\n".join((*versions, *processor)).encode()


def compile_all(modules: Collection[str], progress: Callable[[str, int, int], None]) -> None:
    """Compile every kernel of these modules, which are imported: progress(name, done, total).

    Of no others: a processor that lacks what they use ends the process that compiles them.
    """
    kernels = [kernel for kernel in _ALL if kernel.function.__module__ in modules]
    for done, kernel in enumerate(kernels):
        progress(kernel.name, done, len(kernels))
        kernel.compile()
    progress("kernels", len(kernels), len(kernels))
