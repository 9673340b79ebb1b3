"""A community's file, its limits, its votes, and who has signed what."""

from __future__ import annotations

from dataclasses import dataclass

from energy.errors.base import EnergyError


@dataclass
class NotSigned(EnergyError):
    """A document is not signed by the account that it needs."""

    account: int
    reason: str

    def __str__(self) -> str:
        return f"account {self.account} has not signed this document: {self.reason}"


@dataclass
class BadCommunity(EnergyError):
    """A community that contradicts itself. `where`: the part of its file that does."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"the community's {self.where}: {self.reason}"


@dataclass
class UnknownMember(EnergyError):
    """An account that is no member of the community."""

    account: int

    def __str__(self) -> str:
        return f"account {self.account} is no member: its community's file would have to list it"


@dataclass
class NothingInForce(EnergyError):
    """No rules or no tariff at a time (Unix ms, UTC). `what`: which of the two."""

    what: str
    time_ms: int

    def __str__(self) -> str:
        return f"no {self.what} in force at {self.time_ms} ms: the community's first begins later"


@dataclass
class BadCommunityFile(EnergyError):
    """A community's file that cannot be read as one. `path`: "" while it has none."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@dataclass
class ChangeRefused(EnergyError):
    """A change of the community that its rules do not let through. `what`: the kind of change."""

    what: str
    reason: str

    def __str__(self) -> str:
        return f"this {self.what} does not count: {self.reason}"
