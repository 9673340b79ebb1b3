"""Where the rollup stands, and each op of L1's queue."""

from __future__ import annotations

from fastapi import APIRouter

from protocol.codec import Json
from sequencer.api.documented import answers, json_routes
from sequencer.api.models import QueueOp, State
from sequencer.api.parameters import Row
from sequencer.api.services import Services


def router(services: Services) -> APIRouter:
    """/v1/state, /v1/queue."""
    routes, views = json_routes(), services.views

    @routes.get("/v1/state", **answers(State))
    def get_state() -> Json:
        """Roots, L1 position, queue and mempool."""
        return views.state()

    @routes.get("/v1/queue/{number}", **answers(QueueOp, 400, 404))
    def get_queue_op(number: Row) -> Json:
        """Where an L1 queue op stands."""
        return views.queue_op(number)

    return routes
