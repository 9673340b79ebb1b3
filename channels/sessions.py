"""Connections to neighbours: dialled or accepted, introduced, then requests and answers in order.

A request's answer comes on the connection that carried it; when that is lost, every request
without an answer fails with PeerUnreachable, and whoever asked decides what to send again.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import TracebackType

import structlog
from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from channels.errors import (
    BadFrame,
    ChannelsError,
    PeerRefused,
    PeerUnreachable,
    PortInUse,
    StoreError,
)
from channels.frames import (
    MAX_FRAME_BYTES,
    Answer,
    Frame,
    Nack,
    Request,
    decode,
    encode,
)
from channels.handshake import Introduction, answer, introduce
from protocol.errors import ProtocolError

_log = structlog.get_logger(__name__)
_MAX_IN_FLIGHT = 1_024
_REDIAL_FIRST_S, _REDIAL_LAST_S = 0.1, 5.0
_REQUESTS = Request.__args__
_ANSWERS = Answer.__args__

Handle = Callable[["Session", Request], Awaitable[Answer]]


class Session:
    """One introduced connection. Requests go both ways; each end numbers its own."""

    def __init__(self, wire: Connection, peer_index: int, handle: Handle) -> None:
        self.peer_index = peer_index
        self._wire = wire
        self._handle = handle
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._outbox: asyncio.Queue[str] = asyncio.Queue()
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
        self._outbox.put_nowait(encode(replace(frame, id=number)))
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
            async for text in self._wire:
                await self._take(decode(text))
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

    async def close(self) -> None:
        """End the connection."""
        self.is_open = False
        await self._wire.close()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._wire.send(await self._outbox.get())

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
        self._outbox.put_nowait(encode(replace(reply, id=frame.id)))


class Neighbourhood:
    """The listening port, the neighbours' addresses, and one live session for each of them.

    `on_session` is called whenever a session with a neighbour comes up.
    """

    def __init__(
        self,
        own: Introduction,
        handle: Handle,
        on_session: Callable[[Session], None],
        peers: Mapping[int, str],
    ) -> None:
        self._own = own
        self._handle = handle
        self._on_session = on_session
        self._sessions: dict[int, list[Session]] = {}
        self._changed = asyncio.Condition()
        self._dialling: dict[int, asyncio.Task[None]] = {}
        self._urls = dict(peers)
        self._failures: dict[int, str] = {}
        self._wanted = asyncio.Event()
        self._server: Server | None = None

    async def __aenter__(self) -> Neighbourhood:
        for index in self._urls:
            self._dial_always(index)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._dialling.values():
            task.cancel()
        await asyncio.gather(*self._dialling.values(), return_exceptions=True)
        for session in [one for group in self._sessions.values() for one in group]:
            await session.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def listen(self, host: str, port: int) -> str:
        """Accept neighbours; returns the ws:// address. Raises PortInUse."""
        try:
            self._server = await serve(
                self._accept, host, port, max_size=MAX_FRAME_BYTES, compression=None
            )
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
                raise PortInUse(f"{host}:{port}") from error
            raise
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return f"ws://{host}:{port}"

    def add_peer(self, index: int, url: str) -> None:
        """Where a neighbour listens; it is dialled from now on. Raises PeerUnreachable."""
        if not url.startswith(("ws://", "wss://")):
            raise PeerUnreachable(index, f"{url[:100]!r} is no ws:// or wss:// address")
        self._urls[index] = url
        old = self._dialling.pop(index, None)
        if old is not None:
            old.cancel()
        self._dial_always(index)

    def find(self, index: int) -> Session | None:
        """A live session with a neighbour, or None."""
        return next((one for one in reversed(self._sessions.get(index, [])) if one.is_open), None)

    async def session(self, index: int, timeout_s: float) -> Session:
        """A live session, waiting for one up to `timeout_s`. Raises PeerUnreachable."""
        found = self.find(index)
        if found is not None:
            return found
        self._wanted.set()  # whoever waits to dial again does so now
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                while (found := self.find(index)) is None:
                    await self._changed.wait()
                return found
        except TimeoutError:
            known = "not connected" if index in self._urls else "its address is not known"
            raise PeerUnreachable(index, self._failures.get(index, known)) from None

    def _dial_always(self, index: int) -> None:
        self._dialling[index] = asyncio.create_task(self._dial(index), name=f"dial {index}")

    async def _dial(self, index: int) -> None:
        pause_s = _REDIAL_FIRST_S
        while True:
            try:
                async with connect(
                    self._urls[index], max_size=MAX_FRAME_BYTES, compression=None, proxy=None
                ) as wire:
                    await introduce(wire, self._own, index)
                    self._failures.pop(index, None)
                    pause_s = _REDIAL_FIRST_S
                    await self._carry(Session(wire, index, self._handle))
                    self._failures[index] = "connection lost"
            except (
                OSError,
                TimeoutError,
                InvalidHandshake,
                InvalidURI,
                ConnectionClosed,
                ChannelsError,
            ) as error:
                self._failures[index] = f"{type(error).__name__}: {error}"[:200]
            with contextlib.suppress(TimeoutError):
                self._wanted.clear()
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()
            await asyncio.sleep(_REDIAL_FIRST_S)
            pause_s = min(2 * pause_s, _REDIAL_LAST_S)

    async def _accept(self, wire: ServerConnection) -> None:
        try:
            index = await answer(wire, self._own)
        except (ChannelsError, TimeoutError, ConnectionClosed) as error:
            _log.info("refused a connection", reason=str(error)[:200])
            return
        await self._carry(Session(wire, index, self._handle))

    async def _carry(self, session: Session) -> None:
        group = self._sessions.setdefault(session.peer_index, [])
        group.append(session)
        async with self._changed:
            self._changed.notify_all()
        self._on_session(session)
        try:
            await session.run()
        finally:
            group.remove(session)
