"""A session with a neighbour: requests and answers over a wire on which both are introduced.

A request's answer comes on the connection that carried it; when that is lost, every request
without an answer fails with PeerUnreachable, and whoever asked decides what to send again.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import structlog
from websockets.exceptions import ConnectionClosed

from channels.errors import (
    BadFrame,
    ChannelsError,
    PeerRefused,
    PeerUnreachable,
    StoreError,
)
from channels.frame_codec import MAX_MESSAGE_BYTES, decode_all, encode
from channels.frames import Answer, Frame, Nack, Request
from protocol.errors import ProtocolError

_log = structlog.get_logger(__name__)
_MAX_IN_FLIGHT = 1_024
_MAX_UNSENT_BYTES = _MAX_IN_FLIGHT << 10
"""Of answers that wait while the peer goes on asking: those to all that is in flight have room.
Reading is not held back for them: two ends that both did so could wait for each other for ever."""

_RETIRING_S = 1.0
_REQUESTS = Request.__args__
_ANSWERS = Answer.__args__

Handle = Callable[["Session", Request], Awaitable[Answer]]


class Carrier(Protocol):
    """What a session needs of a wire: a WebSocket has it, and a link through the relay.

    `send` and the iteration raise websockets' ConnectionClosed when the other end is gone.
    """

    async def send(self, message: bytes) -> None:
        """Send one message."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection."""
        ...

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """What comes, until the other end closes."""
        ...


class Session:
    """One introduced connection. Requests go both ways; each end numbers its own."""

    def __init__(
        self, wire: Carrier, peer_index: int, handle: Handle, *, is_relayed: bool = False
    ) -> None:
        self.peer_index = peer_index
        self.is_relayed = is_relayed
        self._wire = wire
        self._handle = handle
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._outbox: deque[tuple[bytes, int]] = deque()
        """Frames, and how much of `_unsent_bytes` each is: answers all, own requests nothing."""
        self._unsent_bytes = 0
        self._has_mail = asyncio.Event()
        self._slots = asyncio.Semaphore(_MAX_IN_FLIGHT)
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_open = True

    def start(self, frame: Request) -> asyncio.Future[Answer]:
        """Send a request now, in order; the future is its answer.

        It raises PeerUnreachable when the connection is lost, PeerRefused for a Nack.
        """
        number = next(self._numbers)
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if not self.is_open:
            waiting.set_exception(PeerUnreachable(self.peer_index, "connection lost"))
            return waiting
        self._waiting[number] = waiting
        self._post(encode(frame, number), 0)
        return waiting

    async def request(self, frame: Request, timeout_s: float) -> Answer:
        """Send a request and wait for its answer. Raises PeerUnreachable, PeerRefused."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.start(frame)
        except TimeoutError:
            raise PeerUnreachable(self.peer_index, f"no answer in {timeout_s:g} s") from None

    async def run(self) -> None:
        """Carry frames until the connection ends."""
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._wire:
                for frame in decode_all(message):
                    await self._take(frame)
        except BadFrame as error:
            _log.warning("peer sent a bad frame", peer=self.peer_index, reason=error.reason)
            await self._wire.close(1008, str(error)[:100])
        except ConnectionClosed:
            pass
        finally:
            self.is_open = False
            writer.cancel()
            for task in self._tasks:
                task.cancel()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(PeerUnreachable(self.peer_index, "connection lost"))
                    waiting.exception()  # seen, even if nobody awaits it any more
            self._waiting.clear()

    async def retire(self) -> None:
        """End the connection once nothing is under way on it: there is a better one."""
        await asyncio.sleep(_RETIRING_S)  # what the other end has sent still comes
        while self.is_open and (self._waiting or self._tasks):
            under_way: list[asyncio.Future[Any]] = [*self._waiting.values(), *self._tasks]
            await asyncio.wait(under_way)
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        self.is_open = False
        await self._wire.close()

    def _post(self, frame: bytes, unsent_bytes: int) -> None:
        self._outbox.append((frame, unsent_bytes))
        self._unsent_bytes += unsent_bytes
        self._has_mail.set()

    async def _write(self) -> None:
        """Send what waits, in order, as many frames in a message as there are and fit."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._has_mail.wait()
                self._has_mail.clear()
                while self._outbox:
                    await self._wire.send(self._next_message())

    def _next_message(self) -> bytes:
        frames, size = [], 0
        while self._outbox and size + len(self._outbox[0][0]) <= MAX_MESSAGE_BYTES:
            frame, unsent_bytes = self._outbox.popleft()
            frames.append(frame)
            size += len(frame)
            self._unsent_bytes -= unsent_bytes
        return b"".join(frames)

    async def _take(self, frame: Frame) -> None:
        if isinstance(frame, _ANSWERS):
            waiting = self._waiting.pop(frame.id, None)
            if waiting is None or waiting.done():
                return
            if isinstance(frame, Nack):
                waiting.set_exception(PeerRefused(self.peer_index, frame.code, frame.detail))
                waiting.exception()
            else:
                waiting.set_result(frame)
        elif isinstance(frame, _REQUESTS):
            if self._unsent_bytes > _MAX_UNSENT_BYTES:
                raise BadFrame("more requests, and the answers are not read")
            await self._slots.acquire()
            task = asyncio.create_task(self._respond(frame))  # tasks start in this order
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            raise BadFrame("a handshake frame after the handshake")

    async def _respond(self, frame: Request) -> None:
        try:
            reply = await self._handle(self, frame)
        except StoreError as error:
            _log.error("cannot store", error=str(error))
            reply = Nack(frame.id, error.code, "this node's storage fails")
        except ChannelsError as error:
            reply = Nack(frame.id, error.code, str(error)[:500])
        except ProtocolError as error:
            reply = Nack(frame.id, type(error).__name__, str(error)[:500])
        finally:
            self._slots.release()
        answer = encode(reply, frame.id)
        self._post(answer, len(answer))
