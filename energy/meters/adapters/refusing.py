"""What becomes of a record that an adapter cannot take."""

from __future__ import annotations

from collections.abc import Callable

from energy.errors import EnergyError

Refused = Callable[[EnergyError], None]
"""Called with each refused record. It raises to end the source, or returns to go on after it."""


def stop_at_first(error: EnergyError) -> None:
    """The default: nothing is skipped unless somebody has decided so. Raises the error."""
    raise error
