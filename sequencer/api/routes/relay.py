"""A relay for homes that cannot be dialled: frames from account to account, by way of the bus.

It keeps no state beyond a connection's life and reads nothing of what it carries; the two homes may
be connected to different workers. Each account has one connection, its newest.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from fastapi import APIRouter, WebSocket
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from contracts.client_names import whose
from protocol.codec import account_inclusion_from_json
from protocol.errors import Malformed
from protocol.relay import MAX_FRAME_BYTES, Refusal, addressed, read_addressed
from sequencer.api.services import Services
from sequencer.bus import Bus
from sequencer.errors import RelayRefused, SequencerError
from sequencer.places import Places
from sequencer.relaying import (
    ID_BYTES,
    Allowance,
    Note,
    RelayLimits,
    challenge_text,
    new_challenge,
    registered_account,
    topic_of,
)

_RESTARTING, _TRY_LATER = 1012, 1013
_MOST_CHECKED_AT_ONCE = 4
_log = structlog.get_logger(__name__)


class Relay:
    """One worker's relay. `key_hash_of`: an account's present key, None if there is no account."""

    def __init__(
        self,
        bus: Bus,
        domain: int,
        key_hash_of: Callable[[int], int | None],
        limits: RelayLimits | None = None,
    ) -> None:
        self._bus = bus
        self._domain = domain
        self._key_hash_of = key_hash_of
        self._limits = limits or RelayLimits()
        self._checking = asyncio.Semaphore(_MOST_CHECKED_AT_ONCE)
        self._connections = 0
        self._unproved = Places(self._limits.most_unproved_an_address)

    async def serve(self, socket: WebSocket) -> None:
        """One home's connection, until it ends."""
        await socket.accept()
        self._connections += 1
        try:
            account_index = await self._register(socket)
            await self._carry(socket, account_index)
        except RelayRefused as refused:
            _log.info("relay refuses", code=refused.code.name, reason=refused.reason)
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await socket.close(int(refused.code), refused.reason)
        except SequencerError as error:
            _log.warning("relay fails", reason=str(error))
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await socket.close(_TRY_LATER, "the relay fails now")
        except WebSocketDisconnect:
            pass
        finally:
            self._connections -= 1

    async def _register(self, socket: WebSocket) -> int:
        limits = self._limits
        if self._connections > limits.most_connections:
            raise RelayRefused(Refusal.FULL, "too many connections; try later")
        if len(self._unproved) >= limits.most_unproved:
            raise RelayRefused(Refusal.FULL, "too many register now; try later")
        with self._unproved.one(whose(socket.client)) as has_place:
            if not has_place:
                raise RelayRefused(Refusal.FULL, "too many register from this address; try later")
            return await self._proved(socket)

    async def _proved(self, socket: WebSocket) -> int:
        """The account that proves itself in time. Raises RelayRefused, WebSocketDisconnect."""
        try:
            challenge = new_challenge()
            async with asyncio.timeout(self._limits.register_timeout_s):
                await socket.send_text(challenge_text(self._domain, challenge))
                text = await _text(socket)
            async with self._checking:
                return await run_in_threadpool(
                    registered_account, text, self._domain, challenge, self._key_hash_of
                )
        except TimeoutError:
            raise RelayRefused(Refusal.TOO_SLOW, "no registration came") from None

    async def _carry(self, socket: WebSocket, account_index: int) -> None:
        own = secrets.token_bytes(ID_BYTES)
        topic = topic_of(account_index)
        async with self._bus.subscribe(topic) as messages:
            await self._bus.publish(topic, bytes([Note.TAKEN_OVER]) + own)
            await socket.send_text('{"type": "registered"}')
            await _first_of(
                self._inward(socket, account_index), self._outward(socket, messages, own)
            )

    async def _inward(self, socket: WebSocket, account_index: int) -> None:
        """From the home to the bus."""
        clock = asyncio.get_running_loop().time
        allowance = Allowance(self._limits, clock())
        while True:
            frame = await _frame(socket)
            receiver, payload = _read(frame)
            message = bytes([Note.FRAME]) + addressed(account_index, payload)
            await self._bus.publish(topic_of(receiver), message)
            pause_s = allowance.take(clock(), len(frame))
            if pause_s > 0:
                await asyncio.sleep(pause_s)

    async def _outward(self, socket: WebSocket, messages: AsyncIterator[bytes], own: bytes) -> None:
        """From the bus to the home."""
        async for message in messages:
            if message[:1] == bytes([Note.FRAME]):
                await socket.send_bytes(message[1:])
            elif message[1:] != own:
                raise RelayRefused(Refusal.REPLACED, "this account has connected once more")
        await socket.close(_RESTARTING, "the relay stops")


async def _first_of(*ways: Awaitable[None]) -> None:
    """Until the first ends; what it raises."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _text(socket: WebSocket) -> str:
    """Raises RelayRefused, WebSocketDisconnect."""
    text = (await _message(socket)).get("text")
    if not isinstance(text, str):
        raise RelayRefused(Refusal.MALFORMED, "a registration is a text")
    return text


async def _frame(socket: WebSocket) -> bytes:
    """Raises RelayRefused, WebSocketDisconnect."""
    frame = (await _message(socket)).get("bytes")
    if not isinstance(frame, bytes):
        raise RelayRefused(Refusal.MALFORMED, "a frame is binary")
    return frame


async def _message(socket: WebSocket) -> dict[str, object]:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    return dict(message)


def _read(frame: bytes) -> tuple[int, bytes]:
    if len(frame) > MAX_FRAME_BYTES:
        raise RelayRefused(Refusal.TOO_LARGE, f"a frame has at most {MAX_FRAME_BYTES} bytes")
    try:
        return read_addressed(frame)
    except Malformed as error:
        raise RelayRefused(Refusal.MALFORMED, str(error)[:80]) from None


def router(services: Services) -> APIRouter:
    """/v1/relay."""
    routes, views = APIRouter(), services.views

    def key_hash_of(account_index: int) -> int | None:
        shown = views.account(account_index, "soft")["inclusion"]
        account = account_inclusion_from_json(shown).account
        return None if account is None else account.key_hash

    relay = Relay(services.bus, services.ledger.rollup.domain, key_hash_of)
    routes.add_api_websocket_route("/v1/relay", relay.serve)
    return routes
