"""What workers hand on arrives as it was sent, and comes back; without a batcher it is a 503."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response, WebSocket
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

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
