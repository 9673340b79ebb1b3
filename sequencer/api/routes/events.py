"""What happened, in order."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from protocol.codec import Json
from sequencer.api.cursors import Paging
from sequencer.api.documented import answers, json_routes
from sequencer.api.models import Event
from sequencer.api.parameters import After, Cursor
from sequencer.api.services import Services
from sequencer.views import EVENTS_A_PAGE

_PAGING = Paging("events", "id", ("after",))
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
        rows = views.events(_PAGING.start(cursor, after), limit)
        return _PAGING.linked(request, response, rows, limit)

    return routes
