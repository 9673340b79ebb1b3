"""What two homes say through a relay: sealed for the other end, in order, each frame once.

Each end makes an X25519 key for one link; both directions' keys come from the shared secret and a
transcript of everything that was said openly. The account keys sign that transcript afterwards
(channels/handshake.py), so a relay that puts keys of its own between the two is found out before
anything else is said. Frames are ChaCha20-Poly1305 under a running number.
Ref: RFC 7748, RFC 5869, RFC 8439. Pure: no I/O.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from channels.errors import BadFrame, FrameLost

ID_BYTES, KEY_BYTES, NUMBER_BYTES = 16, 32, 8
_NONCE_PREFIX = bytes(4)
_LAST_NUMBER = (1 << 8 * NUMBER_BYTES) - 1


class Kind(IntEnum):
    """The first byte of a payload; then the link's 16 bytes, then what the kind says."""

    OPEN = 1
    """32 bytes: the dialling end's key."""
    OPENED = 2
    """32 bytes: the listening end's."""
    SEALED = 3
    """8 bytes: the frame's number; then the sealed frame."""
    UNKNOWN = 4
    """Nothing: the sender knows no such link."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload as the relay carries it, taken apart."""

    kind: Kind
    link: bytes
    body: bytes

    def to_bytes(self) -> bytes:
        """As it travels."""
        return bytes([self.kind]) + self.link + self.body

    @classmethod
    def of(cls, given: bytes) -> Payload:
        """Raises BadFrame."""
        try:
            kind = Kind(given[0])
        except (IndexError, ValueError):
            raise BadFrame("no known kind of payload") from None
        link, body = given[1 : 1 + ID_BYTES], given[1 + ID_BYTES :]
        least = {Kind.SEALED: NUMBER_BYTES + 16, Kind.UNKNOWN: 0}.get(kind, KEY_BYTES)
        if len(link) != ID_BYTES or len(body) < least:
            raise BadFrame("a payload cut short")
        if kind is not Kind.SEALED and len(body) != least:
            raise BadFrame("a payload with a tail")
        return cls(kind, link, body)


@dataclass(frozen=True, slots=True)
class Ends:
    """Which link, in which rollup, between which accounts."""

    domain: int
    dialling: int
    listening: int
    link: bytes


class Sealer:
    """Seals one direction of a link."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._number = 0

    def seal(self, frame: bytes) -> bytes:
        """The next frame: its number, and it sealed."""
        assert self._number < _LAST_NUMBER, "a link ends long before"
        number = self._number.to_bytes(NUMBER_BYTES, "big")
        self._number += 1
        return number + self._cipher.encrypt(_NONCE_PREFIX + number, frame, None)


class Opener:
    """Opens what the other end has sealed: each frame once, in order, nothing left out."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)
        self._expected = 0

    def open(self, sealed: bytes) -> bytes | None:
        """The frame; None for one that is forged or came before. Raises FrameLost for a gap.

        A forged frame is nothing: whoever carries the frames could as well have sent none.
        """
        number = sealed[:NUMBER_BYTES]
        try:
            frame = self._cipher.decrypt(_NONCE_PREFIX + number, sealed[NUMBER_BYTES:], None)
        except InvalidTag:
            return None
        came = int.from_bytes(number, "big")
        if came < self._expected:
            return None
        if came > self._expected:
            raise FrameLost(self._expected, came)
        self._expected += 1
        return frame


@dataclass(frozen=True, slots=True)
class Keys:
    """One end's keys of a link. `binding`: 32 bytes that both ends have only if nobody is between.

    The handshake signs it.
    """

    sealer: Sealer
    opener: Opener
    binding: bytes


def new_key() -> X25519PrivateKey:
    """A key for one link."""
    return X25519PrivateKey.generate()


def public_bytes(key: X25519PrivateKey) -> bytes:
    """Its 32 public bytes."""
    return key.public_key().public_bytes_raw()


def agree(own: X25519PrivateKey, other: bytes, ends: Ends, *, is_dialling: bool) -> Keys:
    """Both directions' keys, from the own secret and the other end's public bytes.

    Raises BadFrame for a public key of small order.
    """
    mine = public_bytes(own)
    first, second = (mine, other) if is_dialling else (other, mine)
    said = f"wattlane-link|{ends.domain}|{ends.dialling}|{ends.listening}|".encode()
    binding = hashlib.sha256(said + ends.link + first + second).digest()
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError:
        raise BadFrame("a key of small order") from None
    derive = HKDF(SHA256(), 2 * KEY_BYTES, binding, b"wattlane-link-keys")
    both = derive.derive(shared)
    outward, inward = both[:KEY_BYTES], both[KEY_BYTES:]
    if not is_dialling:
        outward, inward = inward, outward
    return Keys(Sealer(outward), Opener(inward), binding)
