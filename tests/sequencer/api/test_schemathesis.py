from __future__ import annotations

import pytest

from sequencer.views import Views
from tests.sequencer.api.unlikely import findings, furnished
from tests.sequencer.world import World

EXAMPLES = 4


def test_no_request_finds_the_api_other_than_its_document(world: World) -> None:
    app = furnished(world)
    found, tried = findings(app, EXAMPLES)
    assert not found, "\n\n".join(found)
    operations = {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    assert tried == operations


def test_an_answer_that_is_not_as_documented_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Views, "state", lambda _self: {"soft_root": 7})
    found, _ = findings(furnished(world), 1, "/v1/state")
    assert any("GET /v1/state, response_schema_conformance" in one for one in found)
