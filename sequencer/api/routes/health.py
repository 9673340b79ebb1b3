"""How the sequencer is."""

from __future__ import annotations

from fastapi import APIRouter

from protocol.codec import Json
from sequencer.api.services import Services


def router(services: Services) -> APIRouter:
    """/v1/health."""
    routes = APIRouter()

    @routes.get("/v1/health")
    def get_health() -> Json:
        """Whether the sequencer works, and what ails it."""
        return services.health()

    return routes
