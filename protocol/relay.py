"""What homes and a relay agree on: how a home registers, and how a frame is addressed.

A relay carries opaque payloads between accounts and sees whose they are; it can drop, delay, repeat
or reorder them and nothing more, as the homes seal them (channels/sealed.py). Ref: ADR 18.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum

from protocol.errors import Malformed
from protocol.units import INDEX_BITS

VERSION = 1
CHALLENGE_BYTES = 32
ACCOUNT_BYTES = 4
MAX_PAYLOAD_BYTES = 16_384
MAX_FRAME_BYTES = ACCOUNT_BYTES + MAX_PAYLOAD_BYTES


class Refusal(IntEnum):
    """Why a relay closes a connection: the WebSocket's close code."""

    MALFORMED = 4400
    UNAUTHORISED = 4401
    TOO_SLOW = 4408
    REPLACED = 4409
    TOO_LARGE = 4413
    FULL = 4429


def registration_message(domain: int, account_index: int, challenge: bytes) -> int:
    """What a home signs with its account's key to be reached: 248 bits of SHA-256.

    Its words begin as no other message's do, so that a relay can make nobody sign anything else.
    """
    text = f"wattlane-relay|{VERSION}|{domain}|{account_index}|{challenge.hex()}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:31], "big")


def addressed(account_index: int, payload: bytes) -> bytes:
    """A frame: to the relay with the receiver's account, from it with the sender's."""
    return account_index.to_bytes(ACCOUNT_BYTES, "big") + payload


def read_addressed(frame: bytes) -> tuple[int, bytes]:
    """(account, payload) of a frame. Raises Malformed."""
    if not ACCOUNT_BYTES < len(frame) <= MAX_FRAME_BYTES:
        raise Malformed(f"a frame of {len(frame)} bytes")
    account_index = int.from_bytes(frame[:ACCOUNT_BYTES], "big")
    if account_index >> INDEX_BITS:
        raise Malformed(f"no account has the number {account_index}")
    return account_index, frame[ACCOUNT_BYTES:]
