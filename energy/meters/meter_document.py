"""What a meter's key signs, whatever it says: a tag of its kind and the document (RFC 8032).

The tag keeps a signature under one kind of document from being one under another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from energy.canonical import Value, digest, encode
from energy.meters.did import is_signed_by

SIGNATURE_BYTES = 64


class MeterDocument(ABC):
    """A document with its signature, at which nobody has looked yet. `tag`: of its kind."""

    __slots__ = ()
    tag: ClassVar[bytes]
    key_id: str
    signature: bytes

    @abstractmethod
    def _said(self) -> dict[str, Value]:
        """All that is signed."""

    @property
    def unsigned(self) -> bytes:
        """The bytes that a key of the meter signs."""
        return self.tag + encode(self._said())

    @property
    def encoded(self) -> bytes:
        """The whole document's canonical bytes."""
        return encode({**self._said(), "signature": self.signature})

    @property
    def digest(self) -> bytes:
        """SHA-256 of `encoded`: its name everywhere."""
        return digest(self.encoded)

    def is_signed(self) -> bool:
        """Whether the key that it names has signed it; whose key that is, is another question."""
        return is_signed_by(self.key_id, self.signature, self.unsigned)
