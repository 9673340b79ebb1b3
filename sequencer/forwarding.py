"""What only the batcher can answer, handed on to it: states, witnesses, pages, and what is live.

Its address is in the database, written by whoever has become the batcher. While there is none, the
answer is a problem (503) that says when to try again. Who takes an answer slowly holds a connection
to the batcher for as long, so an address has a few of them and health has its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from time import monotonic

import httpx
import structlog
from starlette.types import Message, Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from contracts.client_names import whose
from protocol.errors import Malformed
from sequencer.api.problems_http import problem_response
from sequencer.errors import NoBatcher, StorageError, TooManyRequests
from sequencer.places import Places
from sequencer.storage import meta
from sequencer.storage.database import Database

REMEMBERED_S = 1.0
CONNECT_TIMEOUT_S = 5.0
TIMEOUT_S = 60.0
SLOW_S = 20.0
"""A client who has not taken a part of the answer for so long is cut off."""

MOST_AT_ONCE = 1_000
MOST_AN_ADDRESS = 100
MOST_OF_HEALTH = 100
"""Requests under way to the batcher: of everyone, of one client address; of health and metrics."""

MOST_WEBSOCKET_BYTES = 65_536
_HEALTH = ("/v1/health", "/metrics")
AGAIN_S = 1
"""When to try again for an address whose requests are all still under way."""

KEPT_ALIVE = 20
_HOP_BY_HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te"),
        *(b"trailer", b"transfer-encoding", b"upgrade", b"x-forwarded-for"),
    )
)
_GOING_AWAY, _TRY_LATER = 1001, 1013
_NEVER_SENT = (1005, 1006)
"""What a closed connection is said to have had where no close came. Ref: RFC 6455 section 7.4.1."""

_log = structlog.get_logger(__name__)


class Forward:
    """An ASGI application: the batcher's, wherever it is. Belongs to one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._http, self._health = _client_of(MOST_AT_ONCE), _client_of(MOST_OF_HEALTH)
        self._places = Places(MOST_AN_ADDRESS)
        self._url, self._read_at = "", 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what the batcher answers."""
        if scope["type"] == "websocket":
            await self._carry(scope, receive, send)
        elif scope["type"] != "http":
            return
        elif scope["path"].startswith(_HEALTH):
            await self._ask(self._health, scope, receive, send)
        else:
            name = whose(scope.get("client"))
            with self._places.one(name) as has_place:
                if has_place:
                    await self._ask(self._http, scope, receive, send)
                    return
            too_many = TooManyRequests(f"address {name}", AGAIN_S)
            await problem_response(too_many)(scope, receive, send)

    async def close(self) -> None:
        """Close what is open to the batcher."""
        await self._http.aclose()
        await self._health.aclose()

    async def _batcher(self) -> str:
        """Raises NoBatcher, StorageError."""
        if not self._url or monotonic() - self._read_at > REMEMBERED_S:
            self._url = await asyncio.to_thread(self._read_url)
            self._read_at = monotonic()
        return self._url

    def _read_url(self) -> str:
        with self._database.read() as connection:
            url = meta.get(connection, meta.BATCHER_URL)
        if not url:
            raise NoBatcher
        return url

    # ------------------------------------------------------------------------ HTTP

    async def _ask(
        self, http: httpx.AsyncClient, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            answer = await self._answer(http, scope, receive)
        except (Malformed, NoBatcher, StorageError) as error:
            await problem_response(error)(scope, receive, send)
            return
        except httpx.HTTPError as error:
            _log.warning("the batcher does not answer", why=type(error).__name__)
            self._url = ""
            await problem_response(NoBatcher())(scope, receive, send)
            return
        try:
            headers = [pair for pair in answer.headers.raw if pair[0].lower() not in _HOP_BY_HOP]
            start = {"status": answer.status_code, "headers": headers}
            await send({"type": "http.response.start", **start})
            async for chunk in answer.aiter_raw():
                part = {"type": "http.response.body", "body": chunk, "more_body": True}
                async with asyncio.timeout(SLOW_S):
                    await send(part)
            async with asyncio.timeout(SLOW_S):
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            _log.info("a client takes its answer too slowly", path=scope["path"][:200])
        finally:
            await answer.aclose()

    async def _answer(
        self, http: httpx.AsyncClient, scope: Scope, receive: Receive
    ) -> httpx.Response:
        url = _target(await self._batcher(), scope)
        request = http.build_request(
            scope["method"], url, headers=_headers(scope), content=_body(receive)
        )
        return await http.send(request, stream=True)

    # ------------------------------------------------------------------------ WebSocket

    async def _carry(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        try:
            url = str(_target(await self._batcher(), scope))
            there = await connect(
                url.replace("http", "ws", 1),
                subprotocols=[Subprotocol(one) for one in scope["subprotocols"]] or None,
                additional_headers={"x-forwarded-for": _client(scope)},
                max_size=MOST_WEBSOCKET_BYTES,
                open_timeout=CONNECT_TIMEOUT_S,
                proxy=None,
            )
        except Malformed as error:
            await problem_response(error)(scope, receive, send)
            return
        except (NoBatcher, StorageError, OSError, TimeoutError, WebSocketException):
            self._url = ""
            await send({"type": "websocket.close", "code": _TRY_LATER})
            return
        await send({"type": "websocket.accept", "subprotocol": there.subprotocol})
        ways = [
            asyncio.create_task(_inward(receive, there)),
            asyncio.create_task(_outward(there, send)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await there.close()
        with suppress(RuntimeError):  # the home has closed it already
            code = there.close_code or _GOING_AWAY
            code = code if code not in (1005, 1006) else _GOING_AWAY
            await send(
                {"type": "websocket.close", "code": code, "reason": there.close_reason or ""}
            )


async def _inward(receive: Receive, there: ClientConnection) -> None:
    """From the client to the batcher, until one of them ends it."""
    while True:
        message: Message = await receive()
        if message["type"] != "websocket.receive":
            return
        data = message.get("bytes")
        try:
            await there.send(message["text"] if data is None else data)
        except ConnectionClosed:
            return


async def _outward(there: ClientConnection, send: Send) -> None:
    """From the batcher to the client, until one of them ends it."""
    async for data in there:
        kind = "text" if isinstance(data, str) else "bytes"
        await send({"type": "websocket.send", kind: data})


def _client_of(most: int) -> httpx.AsyncClient:
    timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=KEPT_ALIVE)
    return httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False)


def _target(batcher: str, scope: Scope) -> httpx.URL:
    """What is asked for, at the batcher. Raises Malformed."""
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    try:
        return httpx.URL(batcher, raw_path=path + (b"?" + query if query else b""))
    except (httpx.InvalidURL, UnicodeDecodeError):
        raise Malformed("the target is not a path of printable ASCII") from None


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "unknown"


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    kept = [pair for pair in scope["headers"] if pair[0].lower() not in _HOP_BY_HOP]
    return [*kept, (b"x-forwarded-for", _client(scope).encode())]


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        yield message.get("body", b"")
        more = message.get("more_body", False)
