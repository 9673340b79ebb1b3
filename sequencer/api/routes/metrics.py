"""What Prometheus scrapes, from the process that follows L1 and makes the batches."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from sequencer.api.documented import answers_text
from sequencer.api.services import Services
from sequencer.errors import NotFound
from sequencer.metrics import CONTENT_TYPE


def router(services: Services) -> APIRouter:
    """/metrics."""
    routes, render = APIRouter(), services.metrics

    @routes.get("/metrics", response_class=Response, **answers_text("Metrics", 404))
    def get_metrics() -> Response:
        """Prometheus' text format; 404 in a process that only answers requests."""
        if render is None:
            raise NotFound("what the batcher measures")
        return Response(render(), media_type=CONTENT_TYPE)

    return routes
