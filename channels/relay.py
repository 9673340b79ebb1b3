"""The home's end of the relay: registered with the account's key, links to neighbours over it.

The relay is trusted with nothing but to carry (channels/sealed.py). Its connection is made again
with growing, unequal pauses; all links end with it, and sessions begin anew on new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from enum import StrEnum

import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.frames import Close

from channels.backoff import Backoff
from channels.errors import BadFrame, FrameLost, PeerUnreachable, RelayUnreachable
from channels.handshake import Introduction
from channels.links import GONE, Link
from channels.sealed import ID_BYTES, Ends, Kind, Payload, agree, new_key, public_bytes
from protocol.codec import signature_to_json, to_int
from protocol.errors import ProtocolError
from protocol.relay import (
    CHALLENGE_BYTES,
    MAX_FRAME_BYTES,
    VERSION,
    Refusal,
    addressed,
    read_addressed,
    registration_message,
)

DIAL_TIMEOUT_S, REGISTER_TIMEOUT_S = 10.0, 10.0
_FIRST_S, _SOUGHT_S, _LAST_S, _AFTER_REPLACED_S = 0.5, 0.5, 60.0, 30.0
_STEADY_S = 5.0
"""A connection that stood so long was a success."""

_MOST_LINKS, _MOST_LINKS_A_PEER = 512, 4
_MOST_TASKS = 2 * _MOST_LINKS
"""Links that are served, and what waits to be said: they all wait on one connection. Where it takes
nothing, what comes beyond is dropped; neighbours try again."""

_log = structlog.get_logger(__name__)

OnLink = Callable[[Link], Awaitable[None]]


class RelayUse(StrEnum):
    """When a home uses the relay. AUTO: it can be reached there too, and dials through it whom it
    cannot dial directly. ALWAYS: it neither listens nor dials anybody else. NEVER: not at all."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def relay_url(sequencer: str) -> str:
    """Where a sequencer has its relay: ws:// or wss://."""
    return f"ws{sequencer.removeprefix('http').rstrip('/')}/v1/relay"


@dataclass(slots=True)
class _Dialled:
    """A link that the other end has not taken up yet."""

    key: X25519PrivateKey
    ends: Ends
    taken: asyncio.Future[Link]


class RelayClient:
    """One home at one relay. `on_link` gets each link that a neighbour opens, and ends with it."""

    def __init__(self, url: str, own: Introduction, on_link: OnLink, rng: random.Random) -> None:
        self.url = url
        self._own = own
        self._on_link = on_link
        self._backoff = Backoff(_FIRST_S, _LAST_S, rng)
        self._wire: ClientConnection | None = None
        self._registered = asyncio.Event()
        self._hurry = asyncio.Event()
        self._sought = 0
        self._links: dict[tuple[int, bytes], Link] = {}
        self._dialled: dict[tuple[int, bytes], _Dialled] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: set[int] = set()
        """Who is being told that a link of theirs is none."""
        self.problem: str | None = "not connected yet"
        """Why this home is not registered, or None."""

    @property
    def is_registered(self) -> bool:
        """Whether neighbours reach this home through the relay now."""
        return self._registered.is_set()

    async def until_registered(self) -> None:
        """Wait until they do."""
        await self._registered.wait()

    async def run(self) -> None:
        """Be registered, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._once()
                self.problem = "connection lost"
            except RelayUnreachable as error:
                self.problem = error.reason
            except (OSError, TimeoutError, InvalidHandshake, InvalidURI, ConnectionClosed) as error:
                self.problem = f"{type(error).__name__}: {error}"[:200]
            if loop.time() - began >= _STEADY_S:
                self._backoff.begin_again()
            if self.problem == _REPLACED:
                self._backoff.at_least(_AFTER_REPLACED_S)
            pause_s = self._backoff.next_s()
            if self._sought and self.problem != _REPLACED:
                pause_s = min(pause_s, _SOUGHT_S)
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._hurry.wait()
                    await asyncio.sleep(_SOUGHT_S)

    @contextlib.contextmanager
    def seeking(self) -> Iterator[None]:
        """As long as somebody wants to reach a neighbour, pauses are short, but for one reason:
        where a second copy of this home is about, the two would chase each other away."""
        self._sought += 1
        if self.problem != _REPLACED:
            self._hurry.set()
        try:
            yield
        finally:
            self._sought -= 1

    async def dial(self, peer_index: int) -> Link:
        """A link that the neighbour's node has taken up. Raises PeerUnreachable.

        Who really is at the other end, the handshake has to prove.
        """
        if not self.is_registered:
            raise PeerUnreachable(peer_index, f"the relay: {self.problem}")
        name, key = secrets.token_bytes(ID_BYTES), new_key()
        ends = Ends(self._own.domain, self._own.account_index, peer_index, name)
        taken: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._dialled[peer_index, name] = _Dialled(key, ends, taken)
        try:
            async with asyncio.timeout(DIAL_TIMEOUT_S):
                await self._send(peer_index, Payload(Kind.OPEN, name, public_bytes(key)).to_bytes())
                return await taken
        except TimeoutError:
            raise PeerUnreachable(peer_index, "no answer through the relay") from None
        except ConnectionClosed:
            raise PeerUnreachable(peer_index, "the relay is gone") from None
        finally:
            del self._dialled[peer_index, name]

    async def _once(self) -> None:
        """One connection, until it ends."""
        async with connect(
            self.url, max_size=MAX_FRAME_BYTES, compression=None, proxy=None
        ) as wire:
            try:
                async with asyncio.timeout(REGISTER_TIMEOUT_S):
                    await self._register(wire)
                self._wire, self.problem = wire, None
                self._registered.set()
                async for frame in wire:
                    self._take_or_drop(frame)
            except ConnectionClosed as error:
                raise RelayUnreachable(self.url, _reason(error)) from error
            finally:
                self._registered.clear()
                self._wire = None
                await self._end_all()

    async def _end_all(self) -> None:
        for link in list(self._links.values()):
            link.end(Close(GONE, "the relay is gone"))
        for dialled in self._dialled.values():
            if not dialled.taken.done():
                failure = PeerUnreachable(dialled.ends.listening, "the relay is gone")
                dialled.taken.set_exception(failure)
                dialled.taken.exception()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _register(self, wire: ClientConnection) -> None:
        given = _document(self.url, await wire.recv(), "challenge")
        try:
            version, domain = to_int("version", given["version"]), to_int("domain", given["domain"])
            challenge = bytes.fromhex(given["challenge"])
        except (KeyError, TypeError, ValueError, ProtocolError) as error:
            raise RelayUnreachable(self.url, f"a senseless challenge: {error}") from None
        if version != VERSION:
            raise RelayUnreachable(self.url, f"it speaks version {version}, this home {VERSION}")
        if domain != self._own.domain or len(challenge) != CHALLENGE_BYTES:
            raise RelayUnreachable(self.url, "it serves another rollup")
        index = self._own.account_index
        signature = self._own.sign(registration_message(domain, index, challenge))
        answer = {
            "type": "register",
            "account": str(index),
            "signature": signature_to_json(signature),
        }
        await wire.send(json.dumps(answer))
        _document(self.url, await wire.recv(), "registered")

    async def _send(self, peer_index: int, payload: bytes) -> None:
        if self._wire is None:
            raise PeerUnreachable(peer_index, "the relay is gone")
        await self._wire.send(addressed(peer_index, payload))

    def _take_or_drop(self, frame: str | bytes) -> None:
        """Whatever a frame does, it does not end what all neighbours are reached by."""
        try:
            self._take(frame)
        except Exception as error:  # noqa: BLE001 - the connection must stand
            _log.error("dropped a frame from the relay", reason=repr(error)[:200])

    def _take(self, frame: str | bytes) -> None:
        if isinstance(frame, str):
            return  # nothing that the relay itself says matters any more
        try:
            sender, given = read_addressed(frame)
            payload = Payload.of(given)
        except (ProtocolError, BadFrame):
            return
        name = sender, payload.link
        link = self._links.get(name)
        if payload.kind is Kind.OPEN:
            self._on_open(sender, payload)
        elif payload.kind is Kind.OPENED:
            self._on_opened(sender, payload)
        elif payload.kind is Kind.UNKNOWN:
            if link is not None:
                link.end(Close(GONE, "the other end does not know the link"))
        elif link is None:
            self._disown(sender, payload.link)
        else:
            try:
                link.take(payload.body)
            except FrameLost:
                self._disown(sender, payload.link)

    def _on_open(self, sender: int, payload: Payload) -> None:
        if (sender, payload.link) in self._links or len(self._tasks) >= _MOST_TASKS:
            return
        of_peer = [link for (peer, _), link in self._links.items() if peer == sender]
        if len(of_peer) >= _MOST_LINKS_A_PEER:
            of_peer[0].end(Close(GONE, "newer links have taken its place"))
        if len(self._links) >= _MOST_LINKS:
            return
        ends = Ends(self._own.domain, sender, self._own.account_index, payload.link)
        key = new_key()
        try:
            link = self._link(key, payload.body, sender, ends, is_dialling=False)
        except BadFrame:
            return
        opened = Payload(Kind.OPENED, payload.link, public_bytes(key)).to_bytes()
        self._start(self._serve(link, opened))

    def _on_opened(self, sender: int, payload: Payload) -> None:
        dialled = self._dialled.get((sender, payload.link))
        if dialled is None or dialled.taken.done():
            return
        with contextlib.suppress(BadFrame):
            link = self._link(dialled.key, payload.body, sender, dialled.ends, is_dialling=True)
            dialled.taken.set_result(link)

    def _link(
        self, key: X25519PrivateKey, other: bytes, peer: int, ends: Ends, *, is_dialling: bool
    ) -> Link:
        async def send(payload: bytes) -> None:
            try:
                await self._send(peer, payload)
            except PeerUnreachable:
                link.end(Close(GONE, "the relay is gone"))
                raise link.closed() from None

        def forget() -> None:
            self._links.pop((peer, ends.link), None)

        keys = agree(key, other, ends, is_dialling=is_dialling)
        link = Link(peer, ends, keys, send, forget)
        self._links[peer, ends.link] = link
        return link

    async def _serve(self, link: Link, opened: bytes) -> None:
        try:
            await self._send(link.peer_index, opened)
            await self._on_link(link)
        except (PeerUnreachable, ConnectionClosed):
            pass
        finally:
            await link.close()

    def _disown(self, peer_index: int, link: bytes) -> None:
        """Tell a neighbour that what it sends on a link reaches nobody; one link at a time."""
        if peer_index in self._told or len(self._tasks) >= _MOST_TASKS:
            return
        self._told.add(peer_index)
        telling = self._start(self._tell(peer_index, Payload(Kind.UNKNOWN, link, b"").to_bytes()))
        telling.add_done_callback(lambda _: self._told.discard(peer_index))

    async def _tell(self, peer_index: int, payload: bytes) -> None:
        with contextlib.suppress(PeerUnreachable, ConnectionClosed):
            await self._send(peer_index, payload)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


_REPLACED = "another node of this account has registered: is a second copy running?"
_REASONS: dict[int, str] = {Refusal.REPLACED: _REPLACED}


def _reason(error: ConnectionClosed) -> str:
    if error.rcvd is None:
        return "connection lost"
    told = error.rcvd.reason[:200]
    return _REASONS.get(error.rcvd.code, f"it closed the connection ({error.rcvd.code}: {told})")


def _document(url: str, text: str | bytes, kind: str) -> dict[str, str]:
    """What the relay says. Raises RelayUnreachable."""
    try:
        given = json.loads(text)
        if given["type"] == kind:
            return dict(given)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise RelayUnreachable(url, f"it did not say {kind!r}")
