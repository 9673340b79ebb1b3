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
    holder: str

    def __str__(self) -> str:
        return f"another node is running on {self.path}: {self.holder}; stop it first"


@dataclass
class StoreOfAnotherWallet(StoreError):
    """The store belongs to another wallet or another rollup."""

    path: str
    field: str

    def __str__(self) -> str:
        return f"{self.path} was made with another {self.field}; choose another folder"


@dataclass
class StoreCorrupt(StoreError):
    """The file is no database, is damaged, or what it holds cannot be read. Nothing is signed."""

    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be read ({self.reason}); nothing is signed with it. Put back a "
            "backup with `wattlane node restore FILE`, or move it away: the neighbours show what "
            "was signed since"
        )


@dataclass
class StoreUnreadable(StoreError):
    """The store cannot be read now: locked, forbidden, or the disk fails. It may be whole."""

    path: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be read now ({self.reason}), and may well be whole; nothing was "
            "changed. See who else uses it, and whether you may read it and its folder"
        )


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


@dataclass
class BackupUnreadable(StoreError):
    """The file is no backup, or is damaged: what it holds does not match its checksum."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} is no whole backup ({self.reason}); nothing was changed"


@dataclass
class BackupRefused(StoreError):
    """A backup would take the place of something else, or stand among the node's own files."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} {self.reason}; nothing was written. Name another file"


@dataclass
class BackupTooNew(StoreError):
    """The backup was written by a newer version of this program."""

    path: str
    version: int
    known: int

    def __str__(self) -> str:
        return (
            f"{self.path} has format {self.version}, this program knows up to {self.known}: "
            "install a newer version; nothing was changed"
        )


@dataclass
class BackupOfAnotherWallet(StoreError):
    """The folder's wallet is not the one of the backup."""

    path: str
    folder: str

    def __str__(self) -> str:
        return f"{self.path} is not of the wallet in {self.folder}; nothing was changed"


@dataclass
class NothingToBackUp(StoreError):
    """No node has ever kept anything in this folder."""

    path: str

    def __str__(self) -> str:
        return f"there is no store at {self.path}: nothing was written"


@dataclass
class StoreExists(StoreError):
    """A store that can be read is there: a backup would take its place."""

    path: str
    is_newer: bool

    def __str__(self) -> str:
        age = "it holds later payments than the backup" if self.is_newer else "it can be read"
        return (
            f"there is a store at {self.path} already, and {age}; nothing was changed. "
            "Move it away first if the backup is to take its place"
        )
