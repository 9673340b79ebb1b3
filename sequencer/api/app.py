"""The HTTP API: transactions in, statuses, witnesses and batches out; every error is a problem.

Bodies are bounded before they are read, integers are decimal strings, and what a user sends is
decoded by the protocol's strict codec alone. Ref: RFC 9457; docs/protocol.md; docs/api.md.
"""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI

from sequencer.api.documented import document_of
from sequencer.api.limits import BodyLimit
from sequencer.api.methods import HeadAndOptions
from sequencer.api.problems_http import add_problems
from sequencer.api.rates import AddressRate
from sequencer.api.routes import (
    accounts,
    batches,
    channels,
    events,
    feed,
    flows,
    health,
    info,
    intake,
    metrics,
    pages,
    relay,
    state,
    transactions,
)
from sequencer.api.services import Services

MAX_BODY_BYTES = 16_384
OTHER_LIMITS = {intake.PATH: intake.MAX_BODY_BYTES}
_GROUPS = (
    health,
    metrics,
    info,
    intake,
    transactions,
    accounts,
    channels,
    batches,
    state,
    events,
    feed,
    flows,
    pages,
    relay,
)


class _Application(FastAPI):
    """FastAPI with our OpenAPI document."""

    def openapi(self) -> dict[str, object]:
        """The document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = document_of(self)
        return self.openapi_schema


def create_app(services: Services) -> FastAPI:
    """The application over these services."""
    app = _Application(
        title="Wattlane sequencer",
        version=version("wattlane"),
        description="Transactions in; statuses, witnesses, batches and events out.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(HeadAndOptions)
    app.add_middleware(BodyLimit, limit_bytes=MAX_BODY_BYTES, other_limits=OTHER_LIMITS)
    app.add_middleware(AddressRate, rates=services.rates)
    add_problems(app)
    for group in _GROUPS:
        app.include_router(group.router(services))
    return app
