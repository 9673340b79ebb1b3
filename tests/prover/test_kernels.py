"""Whatever is compiled is compiled by `warm`, before any child process starts."""

from __future__ import annotations

import re
from pathlib import Path

from prover.kernels import KERNEL_MODULES

ROOT = Path(__file__).parents[2]


def test_warm_knows_every_file_of_kernels() -> None:
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("protocol", "prover")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^\w+ = Compiler\(__file__", path.read_text(), re.MULTILINE)
    }
    assert set(KERNEL_MODULES) == found
