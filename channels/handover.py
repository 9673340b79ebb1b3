"""What a home hands to a watchtower for one lane: a record of at most 256 bytes, clear or sealed.

A clear record is the voucher itself. A sealed one is the voucher under a key that another party
keeps and gives out once it has seen the channel closing: the tower alone learns nothing of what
was paid, the keeper alone neither. AES-256-GCM, the lane as associated data; Ref: NIST SP 800-38D.
What sealing does not hide is said in docs/adr/0015-watchtower.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from channels.errors import BadHandover
from protocol.channels import Lane
from protocol.crypto.field import check_fr
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.units import CHANNEL_ID_BITS, LANE_BITS
from protocol.vouchers import Voucher

MOST_RECORD_BYTES = 256
"""A lane on a tower's disk, its key and number included."""

ID_BYTES, VALUE_BYTES, ELEMENT_BYTES = CHANNEL_ID_BITS // 8, LANE_BITS // 8, 32
KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
VOUCHER_BYTES = VALUE_BYTES + 5 * ELEMENT_BYTES
SEALED_BYTES = NONCE_BYTES + VOUCHER_BYTES + TAG_BYTES


class Kind(IntEnum):
    """The first byte of a record."""

    CLEAR = 1
    SEALED = 2
    KEY = 3


LENGTHS = {Kind.CLEAR: VOUCHER_BYTES, Kind.SEALED: SEALED_BYTES, Kind.KEY: KEY_BYTES}


@dataclass(frozen=True, slots=True)
class LaneName:
    """Which lane of which channel."""

    channel_id: int
    lane: Lane

    def to_bytes(self) -> bytes:
        """13 bytes: the channel's id, big-endian, and the lane."""
        return self.channel_id.to_bytes(ID_BYTES, "big") + bytes([int(self.lane)])


@dataclass(frozen=True, slots=True)
class Handover:
    """One lane's record. The one with the highest `number` is kept: a clear voucher's lane value,
    else whatever its home counts upward."""

    name: LaneName
    number: int
    record: bytes

    @property
    def kind(self) -> Kind:
        """What the record is. Raises BadHandover."""
        try:
            kind = Kind(self.record[0])
        except (IndexError, ValueError):
            raise BadHandover("a record of no known kind") from None
        if len(self.record) != 1 + LENGTHS[kind]:
            raise BadHandover(f"a {kind.name} record of {len(self.record)} bytes")
        return kind

    @property
    def body(self) -> bytes:
        """The record without its kind."""
        return self.record[1:]


def clear(voucher: Voucher) -> Handover:
    """A voucher for a tower that may read it."""
    name = LaneName(voucher.channel_id, voucher.lane)
    return Handover(name, voucher.lane_value, bytes([Kind.CLEAR]) + pack_voucher(voucher))


def sealed(voucher: Voucher, key: bytes, number: int) -> Handover:
    """A voucher for a tower that may not read it until the keeper gives it the key."""
    name, nonce = LaneName(voucher.channel_id, voucher.lane), os.urandom(NONCE_BYTES)
    secret = AESGCM(key).encrypt(nonce, pack_voucher(voucher), name.to_bytes())
    return Handover(name, number, bytes([Kind.SEALED]) + nonce + secret)


def key_of(name: LaneName, key: bytes, number: int) -> Handover:
    """A lane's key, for its keeper."""
    return Handover(name, number, bytes([Kind.KEY]) + key)


def opened(given: Handover, key: bytes) -> Voucher:
    """The voucher in a sealed record. Raises BadHandover."""
    nonce, secret = given.body[:NONCE_BYTES], given.body[NONCE_BYTES:]
    try:
        plain = AESGCM(key).decrypt(nonce, secret, given.name.to_bytes())
    except (InvalidTag, ValueError):
        raise BadHandover("a sealed record that this key does not open") from None
    return unpack_voucher(given.name, plain)


def pack_voucher(voucher: Voucher) -> bytes:
    """172 bytes: lane value, A.x, A.y, R.x, R.y, s, big-endian."""
    key, r, s = voucher.signature.key, voucher.signature.r, voucher.signature.s
    elements = b"".join(one.to_bytes(ELEMENT_BYTES, "big") for one in (key.x, key.y, r.x, r.y, s))
    return voucher.lane_value.to_bytes(VALUE_BYTES, "big") + elements


def unpack_voucher(name: LaneName, given: bytes) -> Voucher:
    """The inverse of `pack_voucher`; verifies nothing. Raises BadHandover."""
    value, rest = given[:VALUE_BYTES], given[VALUE_BYTES:]
    parts = [rest[i : i + ELEMENT_BYTES] for i in range(0, len(rest), ELEMENT_BYTES)]
    if len(given) != VOUCHER_BYTES:
        raise BadHandover(f"a voucher of {len(given)} bytes")
    a_x, a_y, r_x, r_y, s = (int.from_bytes(one, "big") for one in parts)
    try:
        for one in (a_x, a_y, r_x, r_y, s):
            check_fr("signature element", one)
        signature = Signature(Point(a_x, a_y), Point(r_x, r_y), s)
        return Voucher(name.channel_id, name.lane, int.from_bytes(value, "big"), signature)
    except ProtocolError as error:
        raise BadHandover(str(error)) from error
