"""The node's own files cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

from channels.errors.base import ChannelsError


class StoreError(ChannelsError):
    """Base: the node's own files cannot be used."""


@dataclass
class StoreTooNew(StoreError):
    """The store was written by a newer version of this program."""

    path: str
    version: int
    known: int

    def __str__(self) -> str:
        return (
            f"{self.path} has schema {self.version}, this program knows up to {self.known}: "
            "install a newer version; nothing was changed"
        )


@dataclass
class StoreInUse(StoreError):
    """Another process has this store open; two would sign conflicting vouchers."""

    path: str

    def __str__(self) -> str:
        return f"another node is running on {self.path}; stop it first"


@dataclass
class StoreOfAnotherWallet(StoreError):
    """The store belongs to another wallet or another rollup."""

    path: str
    field: str

    def __str__(self) -> str:
        return f"{self.path} was made with another {self.field}; choose another folder"


@dataclass
class StoreCorrupt(StoreError):
    """The file is no database, or what it holds cannot be read."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} cannot be read ({self.reason})"


@dataclass
class StoreFailed(StoreError):
    """A write did not reach the disk: full, read-only or broken. Nothing was acknowledged.

    The store takes no more writes until it is opened again; whether this last write is there then
    is known by looking, so repeat a payment only with the same payment_id.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be written ({self.reason}); nothing was acknowledged. "
            "Free space or mend the disk, then start the node again"
        )
