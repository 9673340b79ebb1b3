"""A wallet cannot be made, read or unlocked."""

from __future__ import annotations

from dataclasses import dataclass

from channels.errors.base import ChannelsError


class WalletError(ChannelsError):
    """Base: a wallet cannot be made, read or unlocked."""


@dataclass
class KeystoreMissing(WalletError):
    """There is no keystore file in the folder."""

    path: str

    def __str__(self) -> str:
        return f"no wallet at {self.path}; make one with `wattlane wallet new`"


@dataclass
class KeystoreExists(WalletError):
    """A wallet would be overwritten."""

    path: str

    def __str__(self) -> str:
        return f"a wallet exists already at {self.path}; choose another folder, or move it away"


@dataclass
class MalformedKeystore(WalletError):
    """The keystore file is not one, or was damaged."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} is no keystore ({self.reason}); restore it from the recovery phrase"


@dataclass
class KeystoreTooNew(WalletError):
    """The keystore was written by a newer version of this program."""

    path: str
    version: int
    known: int

    def __str__(self) -> str:
        return (
            f"{self.path} has format {self.version}, this program knows up to {self.known}: "
            "install a newer version"
        )


@dataclass
class WrongPassphrase(WalletError):
    """The passphrase does not open the keystore (or its ciphertext was altered)."""

    path: str

    def __str__(self) -> str:
        return f"the passphrase does not open {self.path}"


@dataclass
class BadPassphrase(WalletError):
    """A passphrase cannot be used or read."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class BadRecoveryPhrase(WalletError):
    """The words are not a BIP-39 phrase. Never quotes them."""

    def __str__(self) -> str:
        return "not a valid recovery phrase: check the words, their order and their spelling"
