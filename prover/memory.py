"""Invariant: work that would not fit the machine's memory is refused before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from prover.errors import ProverError

_GROUP = Path("/sys/fs/cgroup")


@dataclass(eq=False)
class NotEnoughMemory(ProverError):
    """A step needs more memory than is available; both in bytes."""

    step: str
    need_bytes: int
    have_bytes: int

    def __str__(self) -> str:
        need, have = (f"{size / 2**30:.1f} GiB" for size in (self.need_bytes, self.have_bytes))
        return (
            f"{self.step} needs {need} of memory, {have} are available: close other programs, "
            "or choose a smaller circuit"
        )


def available_bytes() -> int:
    """What this process may still allocate: the machine's free memory, or its group's if less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (_GROUP / "memory.max").read_text().strip()
        used = int((_GROUP / "memory.current").read_text())
        reclaimable = _reclaimable()
    except (OSError, ValueError):
        return free
    if not limit.isdigit():
        return free
    return max(0, min(free, int(limit) - used + reclaimable))


def require_memory(step: str, need_bytes: int) -> None:
    """Raise NotEnoughMemory unless `need_bytes` are available."""
    have_bytes = available_bytes()
    if have_bytes < need_bytes:
        raise NotEnoughMemory(step, need_bytes, have_bytes)


def _reclaimable() -> int:
    """The group's page cache, which gives way to allocations."""
    lines = (_GROUP / "memory.stat").read_text().splitlines()
    values = dict(line.split() for line in lines)
    return int(values.get("inactive_file", 0)) + int(values.get("active_file", 0))
