"""Bids that cannot be cleared together."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class BadBids(EnergyError):
    """Bids that contradict each other or themselves, as no order book makes them."""

    reason: str

    def __str__(self) -> str:
        return f"these bids cannot be cleared: {self.reason}"
