"""The HTTP API: transactions in, statuses, witnesses and batches out; every error is a problem.

Bodies are bounded before they are read, integers are decimal strings, and what a user sends is
decoded by the protocol's strict codec alone. Ref: RFC 9457; docs/protocol.md.
"""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from sequencer.api.limits import BodyLimit
from sequencer.api.problems_http import PROBLEM, add_problems
from sequencer.api.routes import (
    accounts,
    batches,
    channels,
    events,
    flows,
    health,
    info,
    metrics,
    pages,
    state,
    transactions,
)
from sequencer.api.services import Services

MAX_BODY_BYTES = 16_384
_GROUPS = (
    health,
    metrics,
    info,
    transactions,
    accounts,
    channels,
    batches,
    state,
    events,
    flows,
    pages,
)


def create_app(services: Services) -> FastAPI:
    """The application over these services."""
    app = FastAPI(
        title="Wattlane sequencer",
        version=version("wattlane"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        responses={"default": PROBLEM},
    )
    app.add_middleware(BodyLimit, limit_bytes=MAX_BODY_BYTES)
    add_problems(app)
    for group in _GROUPS:
        app.include_router(group.router(services))
    return app
