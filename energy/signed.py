"""Documents that an account has signed: the canonical bytes, and a signature over their hash.

Message = the first 31 bytes of SHA-256 over "wattlane-energy|", the rollup's domain and the
document's SHA-256. The document's own `type` keeps kinds apart, the domain keeps rollups apart, and
the text at its head everything else that account keys sign.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from energy.canonical import decode, digest, encode
from energy.errors import BadDocument, NotSigned
from energy.fields import Fields
from protocol.crypto.field import R
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature, key_hash, verify
from protocol.units import DOMAIN_BITS, check_range

_WIDTH = 32
MOST_BYTES = (1 << 23) + 1_000
"""A community of ten thousand homes, and a signature."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A document's canonical bytes with a signature, not verified by being here."""

    document: bytes
    signature: Signature

    @property
    def digest(self) -> bytes:
        """The document's name: the same whoever signs it, and however often. 32 bytes."""
        return digest(self.document)


def message(document: bytes, domain: int) -> int:
    """What an account's key signs for these canonical bytes, below 2^248. Raises OutOfRange."""
    check_range("domain", domain, DOMAIN_BITS)
    head = f"wattlane-energy|{domain}|".encode()
    return int.from_bytes(hashlib.sha256(head + digest(document)).digest()[:31], "big")


def check_signed(signed: Signed, domain: int, account: int, account_key_hash: int) -> None:
    """Raises NotSigned unless the account's key has signed this document for this rollup."""
    if key_hash(signed.signature.key) != account_key_hash:
        raise NotSigned(account, "another key has signed it than the community's file names")
    if not verify(signed.signature, message(signed.document, domain)):
        raise NotSigned(account, "the signature does not fit the document and this rollup")


def encode_signed(signed: Signed) -> bytes:
    """The canonical bytes of a document with its signature."""
    key, r = signed.signature.key, signed.signature.r
    return encode(
        {
            "type": "signed",
            "document": signed.document,
            "key": [_octets(key.x), _octets(key.y)],
            "r": [_octets(r.x), _octets(r.y)],
            "s": _octets(signed.signature.s),
        }
    )


def decode_signed(encoded: bytes) -> Signed:
    """A document with its signature, unverified. Raises BadDocument."""
    what = "signed document"
    fields = Fields(decode(encoded, what, MOST_BYTES), what)
    fields.of_type("signed")
    document = fields.octets("document")
    signature = Signature(
        _point(fields, "key"), _point(fields, "r"), _element(fields, "s", fields.octets("s"))
    )
    fields.end()
    return Signed(document, signature)


def _octets(element: int) -> bytes:
    return element.to_bytes(_WIDTH, "big")


def _point(fields: Fields, name: str) -> Point:
    found = fields.items(name, 2)
    if len(found) != 2:
        raise fields.refused(name, "is no pair")
    x, y = (_element(fields, name, one) for one in found)
    return Point(x, y)


def _element(fields: Fields, name: str, given: object) -> int:
    if not isinstance(given, bytes) or len(given) != _WIDTH:
        raise BadDocument(fields.what, f"{name} is not made of {_WIDTH} bytes")
    element = int.from_bytes(given, "big")
    if element >= R:
        raise BadDocument(fields.what, f"{name} is no field element")
    return element
