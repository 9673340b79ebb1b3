"""What happened, in order."""

from __future__ import annotations

from fastapi import APIRouter

from protocol.codec import Json
from sequencer.api.parameters import row_number
from sequencer.api.services import Services


def router(services: Services) -> APIRouter:
    """/v1/events."""
    routes, views = APIRouter(), services.views

    @routes.get("/v1/events")
    def get_events(after: str = "0") -> list[Json]:
        """What happened after an event, in order, at most 500."""
        return views.events(row_number("after", after))

    return routes
