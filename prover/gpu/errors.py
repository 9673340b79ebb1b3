"""Invariant: whatever goes wrong on a GPU is a DeviceFailed, after which the CPU does the work."""

from __future__ import annotations

from dataclasses import dataclass

from prover.errors import ProverError


@dataclass(eq=False)
class DeviceFailed(ProverError):
    """A GPU, its driver or the compiler for it gave up, or has not the memory for a task."""

    device: str
    what: str

    def __str__(self) -> str:
        what = " ".join(self.what.split())  # a driver's messages have several lines
        return f"the GPU ({self.device}) cannot be used: {what}"
