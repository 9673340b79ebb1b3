"""A meter's sample or reading that cannot be taken: one leaf a reason."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class BadSample(EnergyError):
    """What a source gave for a meter's registers is out of range."""

    reason: str

    def __str__(self) -> str:
        return f"no usable sample of the meter: {self.reason}"
