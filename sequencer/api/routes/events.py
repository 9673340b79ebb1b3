"""What happened, in order."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from protocol.codec import Json
from sequencer.api.cursors import full, link_next, start_of
from sequencer.api.documented import answers, json_routes
from sequencer.api.models import Event
from sequencer.api.parameters import After, Cursor
from sequencer.api.services import Services
from sequencer.views import EVENTS_A_PAGE

_LIST = "events"
Limit = Annotated[int, Query(ge=1, le=EVENTS_A_PAGE, description="Rows a page")]


def router(services: Services) -> APIRouter:
    """/v1/events."""
    routes, views = json_routes(), services.views

    @routes.get("/v1/events", **answers(list[Event], 400, paged=True))
    def get_events(
        request: Request,
        response: Response,
        after: After = 0,
        cursor: Cursor = None,
        limit: Limit = EVENTS_A_PAGE,
    ) -> list[Json]:
        """What happened after an event, in order. To be told as it happens: `/v1/feed`."""
        rows = views.events(start_of(_LIST, cursor, after), limit)
        last = full(rows, limit)
        number = None if last is None else int(last["id"])
        link_next(request, response, _LIST, number, "after")
        return rows

    return routes
