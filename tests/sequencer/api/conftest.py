from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from sequencer import views
from sequencer.api.app import create_app
from sequencer.api.key_file import KeyFile
from sequencer.api.rates import Rates
from sequencer.api.services import Info, Services
from tests.sequencer.world import World

Json = dict[str, Any]


def services_of(
    world: World, exit_key: KeyFile | None = None, rates: Rates | None = None
) -> Services:
    info = Info(31_337, "0x" + "5f" * 20, True)
    return Services(
        world.ledger,
        views.Views(world.ledger),
        info,
        exit_key=exit_key,
        rates=rates or Rates(),
    )


def problem(response: Response, status: int, code: str) -> Json:
    assert response.headers["content-type"] == "application/problem+json"
    found: Json = response.json()
    assert (response.status_code, found["status"], found["code"]) == (status, status, code)
    assert {"type", "title", "detail"} <= found.keys()
    return found


@pytest.fixture
async def http(world: World) -> AsyncIterator[AsyncClient]:
    app = create_app(services_of(world))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://sequencer") as client:
        yield client
