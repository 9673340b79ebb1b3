"""The base of all errors of this package."""

from __future__ import annotations


class ChannelsError(Exception):
    """Base of all errors of this package."""

    @property
    def code(self) -> str:
        """The name by which peers and the control interface tell errors apart."""
        return type(self).__name__
