"""The feed over a WebSocket: frames of events, and where to go on after each.

`GET /v1/feed?after=N&account=I&channel_id=C`; without `after`, from now on. Every frame is
{"events": [...], "after": "N"}: whoever connects again with that `after` misses nothing and gets
nothing twice. A frame without events is a heartbeat.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from contracts.client_names import whose
from protocol.errors import ProtocolError
from sequencer.api.parameters import channel_number, row_number
from sequencer.api.problems_http import problem_response
from sequencer.api.services import Services
from sequencer.errors import StorageError
from sequencer.feed import Feed, Interest
from sequencer.places import Places

HEARTBEAT_S = 15.0
SLOW_S = 20.0
"""A listener who has not taken a frame for so long is cut off."""

MOST_LISTENERS = 2_000
MOST_AN_ADDRESS = 100
"""Listeners of one client address, behind which there may be several homes."""

TOO_SLOW = 4_408
TAKES_NOTHING = 1_003
TRY_LATER = 1_013


def router(services: Services) -> APIRouter:
    """/v1/feed."""
    routes, feed = APIRouter(), services.feed
    places = Places(MOST_AN_ADDRESS)

    @routes.websocket("/v1/feed")
    async def follow(websocket: WebSocket) -> None:
        try:
            after, interest = _asked(websocket)
        except ProtocolError as error:
            await websocket.send_denial_response(problem_response(error))
            return
        await websocket.accept()
        with places.one(whose(websocket.client)) as has_place:
            if not has_place or feed.listeners >= MOST_LISTENERS:
                whence = "here" if has_place else "from this address"
                await websocket.close(TRY_LATER, f"too many listen {whence}")
                return
            async with feed:
                end = await _serve(websocket, feed, after, interest)
            if end is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(websocket.close(*end), SLOW_S)

    return routes


def _asked(websocket: WebSocket) -> tuple[int | None, Interest]:
    """Raises Malformed, OutOfRange."""
    query = websocket.query_params
    given = {name: row_number(name, query[name]) for name in ("after", "account") if name in query}
    channel = query.get("channel_id")
    id_ = None if channel is None else channel_number("channel_id", channel)
    return given.get("after"), Interest(given.get("account"), id_)


async def _serve(
    websocket: WebSocket, feed: Feed, after: int | None, interest: Interest
) -> tuple[int, str] | None:
    """Until it ends: why we end it, if it is we. What is written to a listener who takes nothing
    waits, the close too: it is read by whoever comes round to reading.
    """
    telling = asyncio.create_task(_tell(websocket, feed, after, interest))
    hearing = asyncio.create_task(websocket.receive())
    done, _ = await asyncio.wait({telling, hearing}, return_when=asyncio.FIRST_COMPLETED)
    for task in (telling, hearing):
        if task not in done:
            task.cancel()
    await asyncio.gather(telling, hearing, return_exceptions=True)
    if hearing in done:
        talked = hearing.result()["type"] == "websocket.receive"
        return (TAKES_NOTHING, "the feed takes no messages") if talked else None
    match telling.exception():
        case TimeoutError():
            return TOO_SLOW, "too slow; go on after the last frame that you have"
        case StorageError():
            return TRY_LATER, "the database does not answer"
        case WebSocketDisconnect() | None:
            return None
        case error:
            raise error


async def _tell(websocket: WebSocket, feed: Feed, after: int | None, interest: Interest) -> None:
    """For ever. Raises TimeoutError where the listener is too slow."""
    at = await feed.newest() if after is None else after
    while True:
        found = await feed.after(at)
        at = found[-1].event.id if found else at
        told = [one.to_json() for one in found if interest.takes(one)]
        if told or not found:
            frame = json.dumps({"events": told, "after": str(at)})
            async with asyncio.timeout(SLOW_S):  # wait_for may lose a cancellation
                await websocket.send_text(frame)
        if not found:
            await feed.wait(at, HEARTBEAT_S)
