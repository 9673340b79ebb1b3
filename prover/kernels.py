"""Invariant: after `warm`, no kernel of the prover compiles any more, in this or a child process.

Call it before starting processes, which then load the kernels from the cache;
`python -m prover.kernels` does it in a process of its own.
"""

from __future__ import annotations

import importlib

from protocol.crypto.kernel_cache import compile_all
from protocol.crypto.lane_types import AVAILABLE
from prover.progress import Progress, silent

KERNEL_MODULES = (
    "protocol.crypto.curve_kernels",
    "protocol.crypto.schnorr_kernels",
    "prover.curves.bucket_kernels",
    "prover.curves.fr_kernels",
    "prover.curves.group_entries",
    "prover.curves.group_lane_entries",
    "prover.curves.moving_kernels",
    "prover.curves.point_checks",
    "prover.curves.scalar_kernels",
    "prover.curves.split_kernels",
    "prover.curves.transform_entries",
    "prover.curves.transform_lane_entries",
    "prover.r1cs.product_kernels",
    "prover.r1cs.tape_kernels",
)


_ONE_LANE = {"prover.curves.group_entries", "prover.curves.transform_entries"}
_LANES = {"prover.curves.group_lane_entries", "prover.curves.transform_lane_entries"}
UNUSED = _ONE_LANE if AVAILABLE else _LANES
"""Work on one element at a time or on eight: this processor needs only one of them."""


def warm(progress: Progress = silent) -> None:
    """Compile, or load from the cache, all kernels: progress("compile ...", done, total).

    Raises KernelCacheUnwritable.
    """
    modules = [name for name in KERNEL_MODULES if name not in UNUSED]
    for name in modules:
        importlib.import_module(name)
    compile_all(modules, lambda kernel, done, total: progress("compiling kernels", done, total))


if __name__ == "__main__":
    warm()
