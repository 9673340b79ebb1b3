"""How the sequencer is: for people, for who restarts it, and for who sends it requests."""

from __future__ import annotations

from fastapi import APIRouter

from protocol.codec import Json
from sequencer.api.documented import answers, json_routes
from sequencer.api.models import Health, Live, Ready
from sequencer.api.services import Services


def router(services: Services) -> APIRouter:
    """/v1/health."""
    routes, health = json_routes(), services.health

    @routes.get("/v1/health", **answers(Health))
    def get_health() -> Json:
        """Whether the sequencer works, and what ails it."""
        return health.report()

    @routes.get("/v1/health/live", **answers(Live))
    async def get_live() -> Json:
        """200 as long as the process gets on; 503 where it hangs and must be started anew."""
        return health.live()

    @routes.get("/v1/health/ready", **answers(Ready))
    def get_ready() -> Json:
        """200 where it should be sent requests; 503 while it stops, cannot write or lags behind."""
        return health.ready()

    return routes
