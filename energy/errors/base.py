"""The base of all errors of this package."""

from __future__ import annotations


class EnergyError(Exception):
    """Base of all errors of this package."""

    @property
    def code(self) -> str:
        """The name by which a market's API tells errors apart."""
        return type(self).__name__
