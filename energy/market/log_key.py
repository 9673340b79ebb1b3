"""The key with which a market signs its journal: all that it holds, and it moves no money."""

from __future__ import annotations

import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from channels.errors import KeystoreExists
from channels.keystore import write_new
from energy.errors import JournalUnusable

FILE_NAME = "market.key"
_BYTES = 32


class LogKey:
    """An Ed25519 key. `public`: 32 bytes."""

    __slots__ = ("__private", "public")

    def __init__(self, secret: bytes) -> None:
        self.__private = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self.__private.public_key().public_bytes_raw()

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")

    def sign(self, chain: bytes) -> bytes:
        """64 bytes over an entry's chain value."""
        return self.__private.sign(chain)

    @classmethod
    def of_folder(cls, folder: Path | str) -> LogKey:
        """The key in the folder's file (0600), made where there is none. Raises JournalUnusable."""
        path = Path(folder) / FILE_NAME
        try:
            if not path.exists():
                write_new(path, Ed25519PrivateKey.generate().private_bytes_raw())
        except KeystoreExists:
            pass  # another process has just made it
        except OSError as error:
            raise JournalUnusable(str(path), error.strerror or "cannot be written") from error
        try:
            secret, mode = path.read_bytes(), path.stat().st_mode
        except OSError as error:
            raise JournalUnusable(str(path), error.strerror or "cannot be read") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise JournalUnusable(str(path), "others can read the market's key; chmod 600 it")
        if len(secret) != _BYTES:
            raise JournalUnusable(str(path), f"a market's key has {_BYTES} bytes")
        return cls(secret)
