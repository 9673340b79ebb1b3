"""What a relay asks of homes: a proof of the account's key, and no more traffic than its share.

Pure but for the bus: time is an argument. It keeps nothing: a frame for somebody who is not there
is lost, and the homes' own sessions say so. Ref: protocol/relay.py.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from protocol.codec import signature_from_json, to_int
from protocol.crypto.schnorr import key_hash, verify
from protocol.errors import ProtocolError
from protocol.relay import CHALLENGE_BYTES, VERSION, Refusal, registration_message
from protocol.units import INDEX_BITS, check_range
from sequencer.errors import RelayRefused

ID_BYTES = 16
MAX_REGISTRATION_CHARS = 4_096


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """For one connection: bytes and frames a second, each as a burst of `burst_s` seconds at once.
    For all of a worker: how many connections, and how many of them may still be unproved; the
    latter for one client address too.
    """

    bytes_per_s: int = 262_144
    frames_per_s: int = 2_000
    burst_s: float = 2.0
    most_connections: int = 10_000
    most_unproved: int = 256
    most_unproved_an_address: int = 32
    register_timeout_s: float = 10.0


class Allowance:
    """What one home may send. Beyond it nothing is lost: its frames are read more slowly."""

    def __init__(self, limits: RelayLimits, now: float) -> None:
        self._limits = limits
        self._burst_s = limits.burst_s
        self._free_at = now - limits.burst_s

    def take(self, now: float, size: int) -> float:
        """Take a frame of `size` bytes; how many seconds to wait before the next is read."""
        cost_s = max(size / self._limits.bytes_per_s, 1 / self._limits.frames_per_s)
        self._free_at = max(self._free_at, now - self._burst_s) + cost_s
        return max(0.0, self._free_at - now)


class Note(IntEnum):
    """The first byte of a message on the bus."""

    FRAME = 0
    """Then the sender's account and the payload: as it goes to the receiver."""
    TAKEN_OVER = 1
    """Then the id of the connection that has registered last: every other one ends."""


def topic_of(account_index: int) -> str:
    """The bus's topic for an account's connection, on whichever worker it is."""
    return f"relay.{account_index}"


def challenge_text(domain: int, challenge: bytes) -> str:
    """What the relay says first."""
    document = {
        "type": "challenge",
        "version": str(VERSION),
        "domain": str(domain),
        "challenge": challenge.hex(),
    }
    return json.dumps(document)


def new_challenge() -> bytes:
    """32 bytes that nobody has signed before."""
    return secrets.token_bytes(CHALLENGE_BYTES)


def registered_account(
    text: str, domain: int, challenge: bytes, key_hash_of: Callable[[int], int | None]
) -> int:
    """The account that has proved itself. Raises RelayRefused."""
    if len(text) > MAX_REGISTRATION_CHARS:
        raise RelayRefused(Refusal.TOO_LARGE, "no registration is so long")
    try:
        given = json.loads(text)
        if given.keys() != {"type", "account", "signature"} or given["type"] != "register":
            raise ValueError("not a registration")
        index = check_range("account", to_int("account", given["account"]), INDEX_BITS)
        signature = signature_from_json(given["signature"])
    except (ValueError, AttributeError, RecursionError, ProtocolError) as error:
        raise RelayRefused(Refusal.MALFORMED, str(error)[:80]) from None
    if key_hash(signature.key) != key_hash_of(index):
        raise RelayRefused(Refusal.UNAUTHORISED, f"not the key of account {index}")
    if not verify(signature, registration_message(domain, index, challenge)):
        raise RelayRefused(Refusal.UNAUTHORISED, "the signature does not verify")
    return index
