"""A watchtower does not do its part, or what it was handed is not what it must be."""

from __future__ import annotations

from dataclasses import dataclass

from channels.errors.base import ChannelsError


class TowerError(ChannelsError):
    """Base: a watchtower does not do its part."""


@dataclass
class BadHandover(TowerError):
    """A record that a tower cannot use."""

    reason: str

    def __str__(self) -> str:
        return f"no usable record for a watchtower: {self.reason}"


@dataclass
class TowerUnreachable(TowerError):
    """No sensible answer from a watchtower."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"the watchtower at {self.url} does not answer ({self.reason})"


@dataclass
class TowerRefused(TowerError):
    """A watchtower's answer names what it does not take."""

    url: str
    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"the watchtower at {self.url} refused ({self.reason_code}): {self.detail}"


@dataclass
class BadTowersFile(TowerError):
    """The file that lists a home's watchtowers cannot be used."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} lists no watchtowers: {self.reason}"
