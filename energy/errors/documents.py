"""A document, time or quantity that is not what it must be."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class BadDocument(EnergyError):
    """Bytes that are no canonical document of the kind asked for. `what`: that kind."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"no usable {self.what}: {self.reason}"


@dataclass
class BadInterval(EnergyError):
    """A start and an end (Unix ms, UTC) between which no energy can be counted."""

    start_ms: int
    end_ms: int
    reason: str

    def __str__(self) -> str:
        return f"from {self.start_ms} to {self.end_ms} ms is no interval: {self.reason}"
