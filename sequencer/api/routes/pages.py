"""The explorer: what a person sees of the rollup in a browser. See sequencer/pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from protocol.codec import Json
from sequencer.api.page_answers import PageRoute, page
from sequencer.api.parameters import row_number
from sequencer.api.services import Services
from sequencer.errors import NotFound
from sequencer.pages.assets import assets
from sequencer.pages.picture import Picture, picture
from sequencer.pages.reading import PageReader
from sequencer.pages.rendering import HEADERS
from sequencer.pages.searching import search
from sequencer.pages.verifying import MEANINGS, Run, watch

_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def router(services: Services) -> APIRouter:
    """/, /batches, /transactions, /homes, /channels, /search, and what they load."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    options = services.pages
    reader = PageReader(services.views, options.l1_explorer_url)

    async def draw() -> Picture:
        channels = await run_in_threadpool(reader.soft_channels)
        return picture(channels, services.flows.flows(channels))

    def shown(template: str, request: Request, **values: object) -> Response:
        return page(template, {"path": request.url.path, "options": options, **values})

    @routes.get("/")
    async def get_overview(request: Request) -> Response:
        found = await run_in_threadpool(reader.overview, services.health.report())
        return shown("overview.html", request, found=found, picture=await draw())

    @routes.get("/live/overview")
    def get_live_overview(request: Request) -> Response:
        return shown("_overview.html", request, found=reader.overview(services.health.report()))

    @routes.get("/live/flows")
    async def get_live_flows() -> Json:
        return (await draw()).to_json()

    @routes.get("/batches")
    def get_batches(request: Request, below: str | None = None) -> Response:
        number = None if below is None else row_number("below", below)
        return shown("batches.html", request, found=reader.batches(number))

    @routes.get("/batches/{number}")
    def get_batch(request: Request, number: str) -> Response:
        found = reader.batch(row_number("batch", number))
        run = options.verifying.known(found.line.number)
        return shown("batch.html", request, found=found, run=run)

    @routes.post("/batches/{number}/verify")
    async def post_verify(request: Request, number: str) -> Response:
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise HTTPException(403, "a check is started from the batch's own page")
        found = await run_in_threadpool(reader.batch, row_number("batch", number))
        if not found.on_l1:
            raise NotFound(f"batch {found.line.number} on L1")
        run = options.verifying.run(found.line.number)
        return StreamingResponse(
            _lines(run), media_type="application/x-ndjson", headers=dict(HEADERS)
        )

    @routes.get("/transactions/{id_}")
    def get_transaction(request: Request, id_: str) -> Response:
        return shown("transaction.html", request, found=reader.transaction(id_[:64]))

    @routes.get("/homes")
    def get_homes(request: Request, start: str = "0") -> Response:
        return shown("homes.html", request, found=reader.homes(row_number("from", start)))

    @routes.get("/homes/{index}")
    def get_home(request: Request, index: str) -> Response:
        return shown("home.html", request, found=reader.home(row_number("home", index)))

    @routes.get("/channels/{slot}")
    def get_channel(request: Request, slot: str) -> Response:
        return shown("channel.html", request, found=reader.channel(row_number("slot", slot)))

    @routes.get("/search")
    def get_search(request: Request, q: str = "") -> Response:
        found = search(reader, q)
        if len(found.hits) == 1:
            return RedirectResponse(found.hits[0].path, 303, headers=dict(HEADERS))
        return shown("search.html", request, found=found)

    @routes.get("/static/{name}")
    def get_static(name: str) -> Response:
        found = assets().get(name)
        if found is None:
            raise NotFound("a file of this name")
        headers = {**HEADERS, **_FOR_EVER}
        return Response(found.content, media_type=found.media_type, headers=headers)

    return routes


async def _lines(run: Run) -> AsyncIterator[str]:
    """The run as lines of JSON: a check each, then the outcome."""
    async for check in watch(run):
        yield json.dumps({**asdict(check), "meaning": MEANINGS.get(check.step, "")}) + "\n"
    yield json.dumps({"outcome": run.outcome, "why": run.why}) + "\n"
