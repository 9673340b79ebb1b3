"""Where the rollup stands, and each op of L1's queue."""

from __future__ import annotations

from fastapi import APIRouter

from protocol.codec import Json
from sequencer.api.parameters import row_number
from sequencer.api.services import Services


def router(services: Services) -> APIRouter:
    """/v1/state, /v1/queue."""
    routes, views = APIRouter(), services.views

    @routes.get("/v1/state")
    def get_state() -> Json:
        """Roots, L1 position, queue and mempool."""
        return views.state()

    @routes.get("/v1/queue/{number}")
    def get_queue_op(number: str) -> Json:
        """Where an L1 queue op stands."""
        return views.queue_op(row_number("number", number))

    return routes
