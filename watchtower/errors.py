"""Every way in which a watchtower says no, or fails. `status` is the HTTP status that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class WatchtowerError(Exception):
    """Base of all errors of this package."""

    status: ClassVar[int] = 400

    @property
    def code(self) -> str:
        """The name by which clients tell errors apart."""
        return type(self).__name__


class UnknownClient(WatchtowerError):
    """No token, or one that this tower never gave out."""

    status = 401

    def __str__(self) -> str:
        return "give a token of this tower: Authorization: Bearer ..."


@dataclass
class MalformedRequest(WatchtowerError):
    """A body or an address that is not what the interface asks for."""

    reason: str

    def __str__(self) -> str:
        return f"the request makes no sense: {self.reason}"


@dataclass
class TooManyLanes(WatchtowerError):
    """A client has as many lanes here as its token allows."""

    status = 429
    allowed: int

    def __str__(self) -> str:
        return f"this token is for at most {self.allowed} lanes"


@dataclass
class ChannelNotFinal(WatchtowerError):
    """The channel is in no root that this tower has replayed from L1; try again later."""

    status = 409
    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is in no root that L1 holds final here"


@dataclass
class NotSynchronised(WatchtowerError):
    """The tower has not replayed L1 yet; try again later."""

    status = 503

    def __str__(self) -> str:
        return "the tower has not replayed L1 yet"


@dataclass
class BadVoucher(WatchtowerError):
    """A clear voucher that would not be accepted on chain."""

    status = 409
    channel_id: int
    reason: str

    def __str__(self) -> str:
        return f"the voucher for channel {self.channel_id:#x} is worth nothing: {self.reason}"


@dataclass
class KeyNotDue(WatchtowerError):
    """A kept key whose channel is not closing in a final root; nobody gets it before."""

    status = 403
    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is not closing: its keys stay here"


@dataclass
class NothingKept(WatchtowerError):
    """No key of that lane is here."""

    status = 404
    channel_id: int

    def __str__(self) -> str:
        return f"no key for channel {self.channel_id:#x} is kept here"


@dataclass
class StorageFailed(WatchtowerError):
    """The tower's file cannot be read or written; nothing was acknowledged."""

    status = 503
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} cannot be used ({self.reason}); nothing was acknowledged"


@dataclass
class FolderInUse(WatchtowerError):
    """Another tower runs on this folder."""

    path: str
    holder: str

    def __str__(self) -> str:
        return f"another watchtower runs in {self.path}: {self.holder}; stop it first"


@dataclass
class CannotListen(WatchtowerError):
    """The address to listen on is taken, or not this machine's."""

    address: str
    reason: str

    def __str__(self) -> str:
        return f"cannot listen on {self.address}: {self.reason}"
