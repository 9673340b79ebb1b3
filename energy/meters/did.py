"""Names of meters that are their keys: did:key of an Ed25519 public key, and the names of keys.

did:key:z6Mk... is "z", the sign of base58btc, and the base58 of 0xed01 with the 32 bytes of the
key. A meter keeps the DID of its first key for good; each key, the first too, is called by its own
z6Mk..., from which anyone has the key itself. Ref: The did:key Method v0.9, W3C Credentials
Community Group, https://w3c-ccg.github.io/did-key-spec/.
"""

from __future__ import annotations

import base58
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from energy.errors import BadMeterName

PREFIX = "did:key:"
_ED25519_PUBLIC = b"\xed\x01"
KEY_BYTES = 32
_MOST_CHARACTERS = 64


def key_id_of(public_key: bytes) -> str:
    """The name of a 32-byte Ed25519 public key: z6Mk..."""
    return "z" + base58.b58encode(_ED25519_PUBLIC + public_key).decode()


def did_of(public_key: bytes) -> str:
    """The DID of a meter whose first key this is."""
    return PREFIX + key_id_of(public_key)


def public_key_of(key_id: str) -> bytes:
    """The 32 bytes of a key from its name. Raises BadMeterName."""
    if not key_id.startswith("z6Mk") or len(key_id) > _MOST_CHARACTERS:
        raise BadMeterName(key_id[:_MOST_CHARACTERS], "an Ed25519 key is called z6Mk...")
    try:
        decoded = base58.b58decode(key_id[1:])
    except ValueError as error:
        raise BadMeterName(key_id, f"no base58 ({error})") from error
    if decoded[:2] != _ED25519_PUBLIC or len(decoded) != len(_ED25519_PUBLIC) + KEY_BYTES:
        raise BadMeterName(key_id, "it holds no 32-byte Ed25519 key")
    return decoded[2:]


def is_signed_by(key_id: str, signature: bytes, message: bytes) -> bool:
    """Whether the key of this name has signed the message. Raises BadMeterName."""
    key = Ed25519PublicKey.from_public_bytes(public_key_of(key_id))
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def check_did(did: str) -> str:
    """The DID itself, if a meter may have it. Raises BadMeterName."""
    if not did.startswith(PREFIX):
        raise BadMeterName(did[: 2 * _MOST_CHARACTERS], f"a meter is called {PREFIX}z6Mk...")
    public_key_of(did.removeprefix(PREFIX))
    return did
