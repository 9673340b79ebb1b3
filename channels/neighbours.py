"""The neighbours: where they listen, and a live session with each, directly or through the relay.

A direct connection is preferred wherever there is one; the relay carries what is left. Whoever is
not there is dialled again and again, with growing and unequal pauses, and at once when wanted.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType

import structlog
from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from channels.backoff import Backoff
from channels.errors import ChannelsError, HandshakeFailed, PeerUnreachable, PortInUse
from channels.frame_codec import MAX_MESSAGE_BYTES
from channels.handshake import Introduction, answer, introduce
from channels.links import Link
from channels.relay import DIAL_TIMEOUT_S, RelayClient, RelayUse
from channels.sessions import Handle, Session

_log = structlog.get_logger(__name__)
_REDIAL_FIRST_S, _REDIAL_LAST_S, _RELAY_LAST_S = 0.1, 5.0, 30.0
_SOUGHT_S = 0.5
_STEADY_S = 5.0
"""A connection that stood so long was a success: the next pauses begin short again."""

_FAILURES_BEFORE_RELAY = 2
_DIAL_ERRORS = (
    OSError,
    TimeoutError,
    InvalidHandshake,
    InvalidURI,
    ConnectionClosed,
    ChannelsError,
)


class Neighbourhood:
    """The listening port, the neighbours' addresses, and one live session for each of them.

    `on_session` is called whenever a session with a neighbour comes up. `relay`: its URL.
    """

    def __init__(
        self,
        own: Introduction,
        handle: Handle,
        on_session: Callable[[Session], None],
        peers: Mapping[int, str],
        relay: str | None = None,
        use: RelayUse = RelayUse.NEVER,
    ) -> None:
        self._own = own
        self._handle = handle
        self._on_session = on_session
        self._sessions: dict[int, list[Session]] = {}
        self._changed = asyncio.Condition()
        self._dialling: dict[int, asyncio.Task[None]] = {}
        self._relaying: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._misses: dict[int, int] = {}
        self._urls = dict(peers)
        self._failures: dict[int, str] = {}
        self._wanted = asyncio.Event()
        self._seekers: Counter[int] = Counter()
        self._server: Server | None = None
        self._rng = random.Random()
        self._use = RelayUse.NEVER if relay is None else use
        self.relay: RelayClient | None = None
        """This home at the relay, if it uses one."""
        if relay is not None and use is not RelayUse.NEVER:
            self.relay = RelayClient(relay, own, self._accept_link, self._rng)

    async def __aenter__(self) -> Neighbourhood:
        if self.relay is not None:
            self._start(self.relay.run())
        for index in self._urls:
            self._dial_always(index)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        dialling = [*self._dialling.values(), *self._relaying.values()]
        for task in dialling:
            task.cancel()
        await asyncio.gather(*dialling, return_exceptions=True)
        for session in [one for group in self._sessions.values() for one in group]:
            await session.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def listen(self, host: str, port: int) -> str:
        """Accept neighbours; returns the ws:// address. Raises PortInUse."""
        try:
            self._server = await serve(
                self._accept, host, port, max_size=MAX_MESSAGE_BYTES, compression=None
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

    def expect(self, index: int) -> None:
        """A neighbour with whom there is something to do: the relay is tried where it has to be."""
        if self.relay is not None and index not in self._relaying:
            self._relaying[index] = asyncio.create_task(self._relay_always(index))

    def find(self, index: int) -> Session | None:
        """A live session with a neighbour, a direct one if there is, or None."""
        live = [one for one in reversed(self._sessions.get(index, [])) if one.is_open]
        return next((one for one in live if not one.is_relayed), live[0] if live else None)

    @property
    def at_relay(self) -> str:
        """Whether this home is at the relay: "off", "registered" or why not."""
        if self.relay is None:
            return "off"
        return self.relay.problem or "registered"

    def reach(self, index: int) -> str:
        """How a neighbour is reached now: "direct", "relay", or why not at all."""
        found = self.find(index)
        if found is not None:
            return "relay" if found.is_relayed else "direct"
        return self._failures.get(index, self._unknown(index))

    async def session(self, index: int, timeout_s: float) -> Session:
        """A live session, waiting for one up to `timeout_s`. Raises PeerUnreachable."""
        found = self.find(index)
        if found is not None:
            return found
        self.expect(index)
        self._seekers[index] += 1
        self._wanted.set()  # whoever waits to dial again does so now
        seeking = contextlib.nullcontext() if self.relay is None else self.relay.seeking()
        try:
            with seeking:
                async with asyncio.timeout(timeout_s), self._changed:
                    while (found := self.find(index)) is None:
                        await self._changed.wait()
                    return found
        except TimeoutError:
            reason = self._failures.get(index, self._unknown(index))
            raise PeerUnreachable(index, reason) from None
        finally:
            self._seekers[index] -= 1

    def _unknown(self, index: int) -> str:
        if index in self._urls:
            return "not connected"
        if self.relay is not None and self.relay.is_registered:
            return "not at the relay"
        return "its address is not known"

    def _dial_always(self, index: int) -> None:
        if self._use is RelayUse.ALWAYS:
            self.expect(index)
        else:
            task = asyncio.create_task(self._dial(index), name=f"dial {index}")
            self._dialling[index] = task

    async def _dial(self, index: int) -> None:
        """Directly, for ever."""
        backoff = Backoff(_REDIAL_FIRST_S, _REDIAL_LAST_S, self._rng)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                async with connect(
                    self._urls[index], max_size=MAX_MESSAGE_BYTES, compression=None, proxy=None
                ) as wire:
                    await introduce(wire, self._own, index)
                    self._failures.pop(index, None)
                    self._misses.pop(index, None)
                    for relayed in [o for o in self._sessions.get(index, []) if o.is_relayed]:
                        self._start(relayed.retire())
                    await self._carry(Session(wire, index, self._handle))
                    self._failures[index] = "connection lost"
            except _DIAL_ERRORS as error:
                self._failures[index] = f"{type(error).__name__}: {error}"[:200]
                self._misses[index] = self._misses.get(index, 0) + 1
            if loop.time() - began >= _STEADY_S:
                backoff.begin_again()
            await self._pause(backoff, index)

    async def _relay_always(self, index: int) -> None:
        """Through the relay, whenever there is no other way."""
        relay, backoff = self.relay, Backoff(_REDIAL_FIRST_S, _RELAY_LAST_S, self._rng)
        assert relay is not None, "asked for by `expect` alone"
        loop = asyncio.get_running_loop()
        while True:
            await relay.until_registered()
            began = loop.time()
            is_needed = index not in self._dialling or (
                self._misses.get(index, 0) >= _FAILURES_BEFORE_RELAY
            )
            if is_needed and self.find(index) is None:
                try:
                    await self._dial_link(relay, index)
                    self._failures[index] = "connection lost"
                except _DIAL_ERRORS as error:
                    self._failures[index] = f"{type(error).__name__}: {error}"[:200]
            elif self.find(index) is not None:
                backoff.begin_again()
            if loop.time() - began >= _STEADY_S + DIAL_TIMEOUT_S:
                backoff.begin_again()
            await self._pause(backoff, index)

    async def _dial_link(self, relay: RelayClient, index: int) -> None:
        link = await relay.dial(index)
        try:
            await introduce(link, self._own, index, link.binding)
            if self.find(index) is not None and self._own.account_index > index:
                return  # both ends have dialled: the lower account's link stays
            self._failures.pop(index, None)
            await self._carry(Session(link, index, self._handle, is_relayed=True))
        finally:
            await link.close()

    async def _pause(self, backoff: Backoff, index: int) -> None:
        """Before the next attempt; short where somebody waits for this neighbour."""
        pause_s = backoff.next_s()
        if self._seekers[index]:
            pause_s = min(pause_s, _SOUGHT_S)
        with contextlib.suppress(TimeoutError):
            self._wanted.clear()
            async with asyncio.timeout(pause_s):
                await self._wanted.wait()
        await asyncio.sleep(_REDIAL_FIRST_S)

    async def _accept(self, wire: ServerConnection) -> None:
        try:
            index = await answer(wire, self._own)
        except (ChannelsError, TimeoutError, ConnectionClosed) as error:
            _log.info("refused a connection", reason=str(error)[:200])
            return
        await self._carry(Session(wire, index, self._handle))

    async def _accept_link(self, link: Link) -> None:
        try:
            index = await answer(link, self._own, link.binding)
            if index != link.peer_index:
                raise HandshakeFailed(f"account {index} on the link of {link.peer_index}")
        except (ChannelsError, TimeoutError, ConnectionClosed) as error:
            _log.info("refused a link", reason=str(error)[:200])
            return
        await self._carry(Session(link, index, self._handle, is_relayed=True))

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

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
