"""Whatever is compiled is compiled by `warm`, before any child process starts."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from protocol.crypto import kernel_cache
from prover.kernels import KERNEL_MODULES, UNUSED, warm

ROOT = Path(__file__).parents[2]


def test_warm_knows_every_file_of_kernels() -> None:
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("protocol", "prover")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\w+ = Compiler\(__file__", path.read_text(), re.MULTILINE)
    }
    assert set(KERNEL_MODULES) == found


def test_warm_compiles_nothing_that_this_processor_does_not_use() -> None:
    """LLVM ends a process in which code for eight lanes is compiled without the instructions."""
    for name in UNUSED:
        importlib.import_module(name)
    unused = [kernel for kernel in kernel_cache._ALL if kernel.function.__module__ in UNUSED]
    before = [kernel._dispatcher for kernel in unused]
    warm()
    assert unused
    assert [kernel._dispatcher for kernel in unused] == before
