"""What workers hand on arrives as it was sent, and comes back; without a batcher it is a 503."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response, WebSocket
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp, Message, Scope
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from sequencer import forwarding
from sequencer.api.server import ApiServer
from sequencer.forwarding import Forward
from sequencer.startup import listen
from sequencer.storage.batcher_lock import begin_term
from sequencer.storage.database import Database, sqlite_url

PATIENCE_S = 60.0
_LATER = 4_001


def batcher() -> FastAPI:
    app = FastAPI()

    @app.post("/v1/echo/{name}")
    async def echo(request: Request, name: str) -> Response:
        assert request.client is not None
        said = "|".join([name, request.url.query, request.client.host, request.headers["x-mine"]])
        body = await request.body()
        return Response(body, 207, {"x-said": said}, media_type="application/octet-stream")

    @app.get("/v1/held")
    async def held() -> Response:
        app.state.holding += 1
        await app.state.released.wait()
        return Response("late")

    @app.get("/v1/long")
    async def long() -> Response:
        return Response(bytes(1 << 20))

    @app.get("/v1/health")
    async def health() -> Response:
        return Response("well")

    app.state.holding, app.state.released = 0, asyncio.Event()

    @app.websocket("/v1/talk")
    async def talk(talking: WebSocket) -> None:
        await talking.accept()
        await talking.send_text(
            f"{talking.client.host if talking.client else ''} {talking.url.query}"
        )
        await talking.send_bytes((await talking.receive_bytes())[::-1])
        await talking.close(_LATER, "come later")

    return app


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    with listen("127.0.0.1", 0) as listener:
        server = ApiServer(app, "127.0.0.1")
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await asyncio.wait_for(server.ready.wait(), PATIENCE_S)
        yield url_of(listener)
        server.should_exit = True
        await serving


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}"


@pytest.fixture
async def forward(tmp_path: Path) -> AsyncIterator[Forward]:
    database = Database.open(sqlite_url(tmp_path / "a.db"))
    forward = Forward(database)
    async with served(batcher()) as url:
        begin_term(database, url)
        yield forward
    await forward.close()
    database.close()


async def test_a_request_and_its_answer_pass_unchanged(forward: Forward) -> None:
    transport = ASGITransport(forward, client=("192.0.2.7", 123))
    async with AsyncClient(transport=transport, base_url="http://outside") as client:
        headers = {"x-mine": "yes", "x-forwarded-for": "203.0.113.9"}
        answer = await client.post(
            "/v1/echo/a%20b?c=%20d", content=bytes(range(256)) * 500, headers=headers
        )
    assert (answer.status_code, answer.content) == (207, bytes(range(256)) * 500)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-said"].split("|") == ["a b", "c=%20d", "192.0.2.7", "yes"]


async def test_a_websocket_is_carried_both_ways_until_it_is_closed(forward: Forward) -> None:
    async with (
        served(forward) as url,
        connect(url.replace("http", "ws") + "/v1/talk?a=b", proxy=None) as talking,
    ):
        assert await asyncio.wait_for(talking.recv(), PATIENCE_S) == "127.0.0.1 a=b"
        await talking.send(b"abc")
        assert await asyncio.wait_for(talking.recv(), PATIENCE_S) == b"cba"
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(talking.recv(), PATIENCE_S)
        assert (talking.close_code, talking.close_reason) == (_LATER, "come later")


async def test_without_a_batcher_the_answer_says_when_to_try_again(tmp_path: Path) -> None:
    database = Database.open(sqlite_url(tmp_path / "a.db"))
    forward = Forward(database)
    async with AsyncClient(transport=ASGITransport(forward), base_url="http://outside") as client:
        for dead in (None, "http://127.0.0.1:1"):
            if dead is not None:
                begin_term(database, dead)
            answer = await client.get("/v1/state")
            assert (answer.status_code, answer.json()["code"]) == (503, "NoBatcher")
            assert answer.headers["retry-after"] == "1"
        async with served(batcher()) as url:
            begin_term(database, url)
            assert (await client.get("/v1/nowhere")).status_code == 404
    await forward.close()
    database.close()


@asynccontextmanager
async def forwarding_to(app: FastAPI, tmp_path: Path) -> AsyncIterator[Forward]:
    database = Database.open(sqlite_url(tmp_path / "a.db"))
    forward = Forward(database)
    async with served(app) as url:
        begin_term(database, url)
        try:
            yield forward
        finally:
            app.state.released.set()
            await forward.close()
    database.close()


async def ask(forward: Forward, path: str, address: str = "192.0.2.1") -> httpx.Response:
    transport = ASGITransport(forward, client=(address, 1))
    async with AsyncClient(transport=transport, base_url="http://outside") as client:
        return await asyncio.wait_for(client.get(path), PATIENCE_S)


async def hold(app: FastAPI, forward: Forward, addresses: list[str]) -> list[asyncio.Task[Any]]:
    """Requests that are under way until they are released."""
    asking = [asyncio.create_task(ask(forward, "/v1/held", one)) for one in addresses]
    async with asyncio.timeout(PATIENCE_S):
        while app.state.holding < len(addresses):  # noqa: ASYNC110 - counted on another server
            await asyncio.sleep(0.01)
    return asking


async def test_health_is_answered_while_all_connections_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "MOST_AT_ONCE", 3)
    app = batcher()
    async with forwarding_to(app, tmp_path) as forward:
        asking = await hold(app, forward, [f"192.0.2.{i}" for i in range(3)])
        assert (await ask(forward, "/v1/health")).text == "well"
        app.state.released.set()
        await asyncio.gather(*asking)


async def test_one_address_has_only_so_many_requests_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "MOST_AN_ADDRESS", 2)
    app = batcher()
    async with forwarding_to(app, tmp_path) as forward:
        asking = await hold(app, forward, ["2001:db8::1", "2001:db8::2"])
        refused = await ask(forward, "/v1/nowhere", "2001:db8::3")
        assert (refused.status_code, refused.json()["code"]) == (429, "TooManyRequests")
        assert refused.headers["retry-after"] == "1"
        assert (await ask(forward, "/v1/nowhere", "2001:db8:1::1")).status_code == 404
        assert (await ask(forward, "/v1/health", "2001:db8::3")).text == "well"
        app.state.released.set()
        await asyncio.gather(*asking)
        assert (await ask(forward, "/v1/nowhere", "2001:db8::3")).status_code == 404


async def test_who_takes_nothing_of_an_answer_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "SLOW_S", 0.1)
    monkeypatch.setattr(forwarding, "MOST_AT_ONCE", 1)
    app = batcher()
    async with forwarding_to(app, tmp_path) as forward:
        waits: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request"}

        async def take_nothing(message: Message) -> None:
            if message["type"] == "http.response.body":
                waits.append(message)
                await asyncio.Event().wait()

        slow = forward(scope_of("http", b"/v1/long"), receive, take_nothing)
        await asyncio.wait_for(slow, PATIENCE_S)
        assert len(waits) == 1
        assert (await ask(forward, "/v1/nowhere")).status_code == 404, "its connection is free"


def scope_of(kind: str, raw_path: bytes, query: bytes = b"") -> Scope:
    return {
        "type": kind,
        "method": "GET",
        "path": "/v1/state",
        "raw_path": raw_path,
        "query_string": query,
        "headers": [],
        "client": ("192.0.2.1", 1),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }


@pytest.mark.parametrize(
    ("raw_path", "query"),
    [
        (b"http://elsewhere/v1/state", b""),
        (b"*", b""),
        (b"/v1/\xc3\xa9", b""),
        (b"/v1/state", b"\xff"),
        (b"/v1/\n", b""),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_a_target_that_is_no_path_is_refused(
    forward: Forward, kind: str, raw_path: bytes, query: bytes
) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    await forward(scope_of(kind, raw_path, query), receive, send)
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["code"] == "Malformed"
