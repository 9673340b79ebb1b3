"""One sealed link to a neighbour through the relay: to a session it is a wire like any other.

It ends cleanly, with websockets' own exceptions, when the other end closes it, when a frame is
missing, when nothing has been heard for a while, or when the relay is gone. Nothing is sent twice
on a link: what had no answer is offered again on the next one, by the payments themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from enum import IntEnum

from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.frames import Close

from channels.errors import FrameLost
from channels.sealed import Ends, Keys, Kind, Payload

NORMAL, GONE = 1000, 1001
_MOST_WAITING = 4_096
PROBE_S, IDLE_S, SILENT_S = 2.0, 20.0, 15.0
"""The other end is asked for a sign of life when nothing has come so long after something was sent
(a frame that was dropped shows at the next one), and now and then; without one it is gone."""


class _Inner(IntEnum):
    """The first byte of what is sealed."""

    TEXT = 0
    BINARY = 1
    CLOSE = 2
    PING = 3
    PONG = 4


class Link:
    """Made by a RelayClient. `peer_index` is what the relay says: the handshake proves it."""

    def __init__(
        self,
        peer_index: int,
        ends: Ends,
        keys: Keys,
        send: Callable[[bytes], Awaitable[None]],
        forget: Callable[[], None],
    ) -> None:
        self.peer_index = peer_index
        self.binding = keys.binding
        self._ends = ends
        self._keys = keys
        self._send = send
        self._forget = forget
        self._inbox: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._in_order = asyncio.Lock()
        self._end: Close | None = None
        self._has_ended = False
        self._heard_at = self._sent_at = asyncio.get_running_loop().time()
        self._asked_at: float | None = None
        self._answering: asyncio.Task[None] | None = None
        self._watching = asyncio.create_task(self._watch())

    async def send(self, message: str | bytes) -> None:
        """Send one message. Raises ConnectionClosed."""
        if isinstance(message, str):
            await self._seal(_Inner.TEXT, message.encode())
        else:
            await self._seal(_Inner.BINARY, message)

    async def recv(self) -> str | bytes:
        """The next message. Raises ConnectionClosed."""
        message = await self._inbox.get()
        if message is None:
            self._inbox.put_nowait(None)  # whoever asks again hears it again
            raise self.closed()
        return message

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Messages until the other end closes. Raises ConnectionClosedError."""
        with contextlib.suppress(ConnectionClosedOK):
            while True:
                yield await self.recv()

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Tell the other end, and end it."""
        if not self._has_ended:
            with contextlib.suppress(ConnectionClosed):
                await self._seal(_Inner.CLOSE, code.to_bytes(2, "big") + reason.encode()[:200])
            self.end(Close(code, reason))

    def end(self, why: Close | None) -> None:
        """It is over; None: without a word from the other end."""
        if self._has_ended:
            return
        self._has_ended, self._end = True, why
        self._watching.cancel()
        self._inbox.put_nowait(None)
        self._forget()

    def take(self, sealed: bytes) -> None:
        """A sealed frame from the relay, forged or not. Raises FrameLost: then it has ended."""
        if self._has_ended:
            return
        try:
            frame = self._keys.opener.open(sealed)
        except FrameLost as error:
            self.end(Close(GONE, str(error)))
            raise
        if frame is None:
            return
        self._heard_at, self._asked_at = asyncio.get_running_loop().time(), None
        self._take(frame)

    def _take(self, frame: bytes) -> None:
        try:
            kind, body = _Inner(frame[0]), frame[1:]
            message = body.decode() if kind is _Inner.TEXT else body
        except (IndexError, ValueError):
            self.end(Close(GONE, "a frame that says nothing"))
            return
        if kind in (_Inner.TEXT, _Inner.BINARY):
            if self._inbox.qsize() >= _MOST_WAITING:
                self.end(Close(GONE, "more than is taken"))
            else:
                self._inbox.put_nowait(message)
        elif kind is _Inner.CLOSE:
            reason = body[2:].decode(errors="replace")
            self.end(Close(int.from_bytes(body[:2], "big"), reason))
        elif kind is _Inner.PING and (self._answering is None or self._answering.done()):
            self._answering = asyncio.create_task(self._pong())  # one answers all that waited

    async def _pong(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._seal(_Inner.PONG, b"")

    async def _seal(self, kind: _Inner, body: bytes) -> None:
        async with self._in_order:  # sealed in the order in which it is sent
            if self._has_ended:
                raise self.closed()
            if kind is not _Inner.PONG:
                self._sent_at = asyncio.get_running_loop().time()
            sealed = self._keys.sealer.seal(bytes([kind]) + body)
            await self._send(Payload(Kind.SEALED, self._ends.link, sealed).to_bytes())

    async def _watch(self) -> None:
        """Ask when nothing comes, and end the link when still nothing does."""
        loop = asyncio.get_running_loop()
        while self._asked_at is None or loop.time() - self._asked_at < SILENT_S:
            now = loop.time()
            is_owed = self._sent_at > self._heard_at and now - self._sent_at >= PROBE_S
            if is_owed or self._asked_at is not None or now - self._heard_at >= IDLE_S:
                self._asked_at = self._asked_at or now
                with contextlib.suppress(ConnectionClosed):
                    await self._seal(_Inner.PING, b"")
            await asyncio.sleep(PROBE_S)
        self.end(Close(GONE, f"no sign of life for {SILENT_S:g} s"))

    def closed(self) -> ConnectionClosed:
        """What whoever uses it is told once it has ended."""
        kind = ConnectionClosedOK if self._is_normal() else ConnectionClosedError
        return kind(self._end, None)

    def _is_normal(self) -> bool:
        return self._end is not None and self._end.code == NORMAL
