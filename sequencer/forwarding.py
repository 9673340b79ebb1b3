"""What only the batcher can answer, handed on to it: states, witnesses, pages, and what is live.

Its address is in the database, written by whoever has become the batcher. While there is none, the
answer is a problem (503) that says when to try again.
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

from sequencer.api.problems_http import problem_response
from sequencer.errors import NoBatcher, StorageError
from sequencer.storage import meta
from sequencer.storage.database import Database

REMEMBERED_S = 1.0
CONNECT_TIMEOUT_S = 5.0
TIMEOUT_S = 60.0
MOST_WEBSOCKET_BYTES = 65_536
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
        timeout = httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        self._http = httpx.AsyncClient(timeout=timeout, trust_env=False)
        self._url, self._read_at = "", 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with what the batcher answers."""
        if scope["type"] == "websocket":
            await self._carry(scope, receive, send)
        elif scope["type"] == "http":
            await self._ask(scope, receive, send)

    async def close(self) -> None:
        """Close what is open to the batcher."""
        await self._http.aclose()

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

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except (NoBatcher, StorageError) as error:
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
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()

    async def _answer(self, scope: Scope, receive: Receive) -> httpx.Response:
        url = httpx.URL(
            await self._batcher(),
            raw_path=(scope.get("raw_path") or scope["path"].encode())
            + (b"?" + scope["query_string"] if scope["query_string"] else b""),
        )
        request = self._http.build_request(
            scope["method"], url, headers=_headers(scope), content=_body(receive)
        )
        return await self._http.send(request, stream=True)

    # ------------------------------------------------------------------------ WebSocket

    async def _carry(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "websocket.connect"
        try:
            url = (await self._batcher()).replace("http", "ws", 1) + scope["path"]
            query = scope["query_string"].decode()
            there = await connect(
                f"{url}?{query}" if query else url,
                subprotocols=[Subprotocol(one) for one in scope["subprotocols"]] or None,
                additional_headers={"x-forwarded-for": _client(scope)},
                max_size=MOST_WEBSOCKET_BYTES,
                open_timeout=CONNECT_TIMEOUT_S,
                proxy=None,
            )
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
