"""Both ends of a connection prove that they hold the key of the account they say they are.

Each end sends 32 random bytes and signs both ends' hellos; so an acknowledgement comes from the
payee and not from whoever took its port. Over an untrusted network use wss:// besides: frames
after the handshake are not signed one by one (vouchers and CLOSEs are). Through a relay they are
sealed, and both ends sign the `binding` of their keys (channels/sealed.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from channels.errors import BadFrame, ChannelsError, HandshakeFailed
from channels.frame_codec import decode, encode
from channels.frames import VERSION, Frame, Hello, Nack, Proof
from channels.lanes import Sign, safe_key
from protocol.crypto.schnorr import key_hash, verify

HANDSHAKE_TIMEOUT_S = 10.0


class Wire(Protocol):
    """A connection that carries messages in order."""

    async def send(self, message: bytes) -> None:
        """Send one message."""
        ...

    async def recv(self) -> str | bytes:
        """Receive one message."""
        ...


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a node needs to introduce itself and to know others by."""

    domain: int
    account_index: int
    sign: Sign
    key_hash_of: Callable[[int], Awaitable[int]]


def handshake_message(role: str, first: Hello, second: Hello, binding: bytes = b"") -> int:
    """What an end signs: SHA-256 over its role and both hellos, 248 bits, no Poseidon output.

    `binding`: what both ends of a sealed link have in common, and nobody between them.
    """
    text = "|".join(
        f"{one.version}|{one.domain}|{one.sender}|{one.receiver}|{one.challenge}"
        for one in (first, second)
    )
    purpose = f"wattlane-sealed-handshake|{binding.hex()}" if binding else "wattlane-handshake"
    digest = hashlib.sha256(f"{purpose}|{role}|{text}".encode()).digest()
    return int.from_bytes(digest[:31], "big")


async def introduce(wire: Wire, own: Introduction, peer_index: int, binding: bytes = b"") -> int:
    """The dialling end: returns the peer's account. Raises HandshakeFailed, BadFrame."""
    async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
        first = _hello(own, peer_index)
        await wire.send(encode(first))
        second = _expect_hello(await wire.recv(), own)
        if second.sender != peer_index:
            raise HandshakeFailed(f"account {second.sender} answers instead of {peer_index}")
        message = handshake_message("answer", first, second, binding)
        await _check_proof(await wire.recv(), own, second.sender, message)
        await wire.send(encode(Proof(own.sign(handshake_message("dial", first, second, binding)))))
        return peer_index


async def answer(wire: Wire, own: Introduction, binding: bytes = b"") -> int:
    """The listening end: returns the peer's account. Raises HandshakeFailed, BadFrame."""
    async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
        try:
            first = _expect_hello(await wire.recv(), own)
            second = _hello(own, first.sender)
            await wire.send(encode(second))
            message = handshake_message("answer", first, second, binding)
            await wire.send(encode(Proof(own.sign(message))))
            message = handshake_message("dial", first, second, binding)
            await _check_proof(await wire.recv(), own, first.sender, message)
        except (HandshakeFailed, BadFrame) as error:
            await wire.send(encode(Nack(0, error.code, str(error)[:500])))
            raise
        except ChannelsError as error:
            await wire.send(encode(Nack(0, error.code, "the account cannot be looked up now")))
            raise
        return first.sender


def _hello(own: Introduction, peer_index: int) -> Hello:
    return Hello(VERSION, own.domain, own.account_index, peer_index, secrets.token_hex(32))


def _frame(text: str | bytes) -> Frame:
    frame = decode(text)
    if isinstance(frame, Nack):
        raise HandshakeFailed(f"the other end says {frame.code}: {frame.detail}")
    return frame


def _expect_hello(text: str | bytes, own: Introduction) -> Hello:
    hello = _frame(text)
    if not isinstance(hello, Hello):
        raise BadFrame("a handshake begins with hello")
    if hello.version != VERSION:
        raise HandshakeFailed(f"the other end speaks version {hello.version}, this {VERSION}")
    if hello.domain != own.domain:
        raise HandshakeFailed("the other end is on another rollup")
    if hello.receiver != own.account_index:
        raise HandshakeFailed(f"this is account {own.account_index}, not {hello.receiver}")
    if hello.sender == own.account_index:
        raise HandshakeFailed("a second node of this same account is running")
    return hello


async def _check_proof(text: str | bytes, own: Introduction, sender: int, message: int) -> None:
    proof = _frame(text)
    if not isinstance(proof, Proof):
        raise BadFrame("a proof follows the hellos")
    key = proof.signature.key
    if key_hash(key) != await own.key_hash_of(sender) or not safe_key(key):
        raise HandshakeFailed(f"the key shown is not that of account {sender}")
    if not verify(proof.signature, message):
        raise HandshakeFailed(f"the signature of account {sender} does not verify")
