"""A tower's HTTP interface: records in, keys of closing channels out; every error is a problem.

POST /v1/lanes {"lanes": [{"channel_id", "lane", "number", "record"}]}, at most 64, with a bearer
token: answered once all are on disk, with the numbers that are there then. GET
/v1/keys/{channel_id}/{lane}: the keys kept for a channel that is closing in a final root, for
anyone. GET /v1/health. Integers are decimal strings, records hexadecimal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from channels.handover import MOST_RECORD_BYTES, Handover, Kind, LaneName
from protocol.channels import Lane, Status
from protocol.codec import to_int
from protocol.errors import ProtocolError
from protocol.units import CHANNEL_ID_BITS, LANE_BITS, check_range
from watchtower.errors import (
    KeyNotDue,
    MalformedRequest,
    NothingKept,
    NotSynchronised,
    WatchtowerError,
)
from watchtower.rounds import TowerRounds, View
from watchtower.store import TowerStore
from watchtower.taking import check_handover, leaf_of

MOST_LANES = 64
MOST_BODY_BYTES = 65_536
_log = structlog.get_logger(__name__)


def create_app(store: TowerStore, rounds: TowerRounds, domain: int) -> FastAPI:
    """The application of one tower."""
    app = FastAPI(title="Wattlane watchtower", docs_url=None, redoc_url=None)
    verifying = asyncio.Semaphore(1)  # signatures are the one thing that costs

    def view() -> View:
        if rounds.view is None:
            raise NotSynchronised
        return rounds.view

    @app.exception_handler(WatchtowerError)
    async def on_known(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, WatchtowerError)
        return _problem(error.status, error.code, str(error))

    @app.exception_handler(ProtocolError)
    async def on_malformed(_request: Request, error: Exception) -> JSONResponse:
        return _problem(400, type(error).__name__, str(error))

    @app.middleware("http")
    async def name_what_fails(request: Request, go_on: Callable[[Request], Awaitable[Any]]) -> Any:
        try:
            return await go_on(request)
        except Exception as error:  # noqa: BLE001 - a bug must not end the tower
            _log.error("request failed", path=request.url.path, error=repr(error))
            return _problem(500, "InternalError", "the tower failed; its log says how")

    @app.get("/v1/health")
    async def health() -> dict[str, Any]:
        """Whether it watches, up to which block, and what ails it."""
        seen = rounds.view
        return {
            "status": "ok" if rounds.problem is None and seen is not None else "degraded",
            "problem": rounds.problem,
            "domain": str(domain),
            "final_block": None if seen is None else str(seen.final.number),
            "lanes": str(await asyncio.to_thread(store.count)),
        }

    @app.post("/v1/lanes")
    async def post_lanes(request: Request) -> dict[str, Any]:
        """Keep these records; on disk when this answers."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        client = await asyncio.to_thread(store.client_of, token if scheme == "Bearer" else "")
        given = _lanes(await _body(request))
        state = view().state

        def check() -> None:
            for one in given:
                check_handover(state, domain, one)

        async with verifying:
            await asyncio.to_thread(check)
        kept = await asyncio.to_thread(store.keep, client, given)
        return {"kept": [str(number) for number in kept]}

    @app.get("/v1/keys/{channel_id}/{lane}")
    async def get_keys(channel_id: str, lane: str) -> dict[str, Any]:
        """The keys of a lane, once its channel is closing in a final root."""
        name = _name(channel_id, lane)
        _, leaf = leaf_of(view().state, name.channel_id)
        if leaf.status is not Status.CLOSING:
            raise KeyNotDue(name.channel_id)
        found = await asyncio.to_thread(store.of_channels, [name.channel_id])
        keys = [one.body for one in found if one.kind is Kind.KEY and one.name == name]
        if not keys:
            raise NothingKept(name.channel_id)
        return {"keys": ["0x" + key.hex() for key in keys]}

    return app


def _problem(status: int, code: str, detail: str) -> JSONResponse:
    return JSONResponse({"status": status, "code": code, "detail": detail}, status_code=status)


async def _body(request: Request) -> Any:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise MalformedRequest(f"more than {MOST_BODY_BYTES} bytes")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedRequest("not JSON") from None


def _name(channel_id: object, lane: object) -> LaneName:
    number = check_range("channel_id", to_int("channel_id", channel_id), CHANNEL_ID_BITS)
    side = to_int("lane", lane)
    if side not in (0, 1):
        raise MalformedRequest(f"lane is {side}, not 0 or 1")
    return LaneName(number, Lane(side))


def _lanes(given: Any) -> list[Handover]:
    """Raises MalformedRequest, OutOfRange, Malformed."""
    lanes = given.get("lanes") if isinstance(given, dict) else None
    if not isinstance(lanes, list) or not 0 < len(lanes) <= MOST_LANES:
        raise MalformedRequest(f'"lanes" is a list of 1 to {MOST_LANES}')
    found = []
    for one in lanes:
        if not isinstance(one, dict) or set(one) != {"channel_id", "lane", "number", "record"}:
            raise MalformedRequest("a lane has channel_id, lane, number and record")
        number = check_range("number", to_int("number", one["number"]), LANE_BITS)
        text = one["record"]
        if not isinstance(text, str) or len(text) > 2 * MOST_RECORD_BYTES:
            raise MalformedRequest("a record is hexadecimal text of a known length")
        try:
            record = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise MalformedRequest("a record is hexadecimal text of a known length") from None
        found.append(Handover(_name(one["channel_id"], one["lane"]), number, record))
    return found
