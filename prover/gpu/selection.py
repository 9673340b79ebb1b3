"""Invariant: a process decides once whether it has a GPU, and a GPU that failed is not asked again.

WATTLANE_GPU=0 leaves it unused.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

from prover.gpu.errors import DeviceFailed

if TYPE_CHECKING:
    from prover.gpu.engine import Engine

SWITCH = "WATTLANE_GPU"
_DRIVERS = {"win32": "nvcuda.dll"}
_log = logging.getLogger(__name__)
_lock = threading.RLock()


class Selection:
    """What a process knows of its GPU: an engine, or the reason why there is none."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.engine: Engine | None = None
        self.reason = ""

    def decide(self) -> None:
        """Look for a GPU; afterwards there is an engine or a reason."""
        self.reason = why_not()
        if self.reason:
            return
        try:
            from prover.gpu.cuda_device import CudaDevice
            from prover.gpu.engine import Engine

            engine = Engine(CudaDevice())
            engine.check()
        except ImportError as error:  # of numba-cuda, its bindings or NVIDIA's libraries
            self.give_up(DeviceFailed("CUDA", str(error)))
            return
        except DeviceFailed as error:
            self.give_up(error)
            return
        self.engine = engine
        _log.info("proving on %s", engine.device.name)

    def give_up(self, error: DeviceFailed) -> None:
        """From here on the CPU does the work."""
        self.engine, self.reason = None, str(error)
        _log.warning("%s; the CPU does the work", error)


_selections: list[Selection] = []


def why_not() -> str:
    """Why there can be no GPU, as far as can be told without touching one; else empty."""
    if os.environ.get(SWITCH) == "0":
        return f"switched off by {SWITCH}=0"
    if find_spec("numba_cuda") is None:
        return "no numba-cuda: install the extra with pip install 'wattlane[gpu]'"
    library = _DRIVERS.get(sys.platform, "libcuda.so.1")
    try:
        ctypes.CDLL(library)
    except OSError:
        return f"no device: the NVIDIA driver ({library}) is not installed"
    return ""


def chosen() -> Engine | None:
    """The GPU of this process, or None: then `reason` says why."""
    return _selection().engine


def reason() -> str:
    """Why there is no GPU; empty where there is one."""
    return _selection().reason


def give_up(error: DeviceFailed) -> None:
    """Use the GPU no more in this process, because of `error`."""
    _selection().give_up(error)


def _selection() -> Selection:
    with _lock:
        if not _selections:
            selection = Selection()
            selection.decide()
            _selections.append(selection)
        selection = _selections[0]
        if selection.engine is not None and selection.process != os.getpid():
            # CUDA does not survive a fork
            selection.engine, selection.reason = None, "this process was forked from one with a GPU"
        return selection
