"""A replay that cannot be made from what is given."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class BadReplay(EnergyError):
    """A street, home, battery or file of limits that no replay can be made of."""

    reason: str

    def __str__(self) -> str:
        return f"no replay of this street: {self.reason}"
