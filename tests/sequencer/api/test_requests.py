"""Methods, media types and headers: each mistake is a problem, each method is answered."""

from __future__ import annotations

import pytest
from httpx import ASGITransport, AsyncClient

from protocol.codec import transaction_to_json
from sequencer.api.app import create_app
from sequencer.views import Views
from tests.sequencer.api.conftest import problem, services_of
from tests.sequencer.world import World


async def test_head_is_get_without_its_body(http: AsyncClient) -> None:
    got, head = await http.get("/v1/state"), await http.head("/v1/state")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    missing = await http.head("/v1/batches/99")
    assert (missing.status_code, missing.content) == (404, b"")


async def test_options_names_the_methods_of_a_path(http: AsyncClient) -> None:
    for path, allowed in (
        ("/v1/state", "GET, HEAD, OPTIONS"),
        ("/v1/batches/1", "GET, HEAD, OPTIONS"),
        ("/v1/transactions", "POST, OPTIONS"),
    ):
        answer = await http.options(path)
        assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")
    problem(await http.options("/nowhere"), 404, "NotFound")


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "TRACE", "STEAL"])
async def test_another_method_is_a_problem_that_names_those_that_there_are(
    http: AsyncClient, method: str
) -> None:
    answer = await http.request(method, "/v1/state")
    assert problem(answer, 405, "MethodNotAllowed")["allowed"] == "GET, HEAD, OPTIONS"
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_get_of_what_is_only_posted_is_a_problem(http: AsyncClient) -> None:
    for method in ("GET", "HEAD"):
        answer = await http.request(method, "/v1/transactions")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    ("accept", "is_taken"),
    [
        ("*/*", True),
        ("application/json", True),
        ("APPLICATION/JSON; charset=utf-8", True),
        ("text/html, application/*;q=0.1", True),
        ("text/html, */*;q=0.8", True),
        ("application/problem+json, application/json", True),
        ("text/html", False),
        ("application/json;q=0", False),
        ("application/json;q=0, */*", False),
        ("*/*;q=0", False),
        ("application/json;q=much", False),
        ("", False),
    ],
)
async def test_what_the_accept_header_rules_out_is_not_sent(
    http: AsyncClient, accept: str, is_taken: bool
) -> None:
    answer = await http.get("/v1/state", headers={"accept": accept})
    if is_taken:
        assert answer.status_code == 200
    else:
        assert problem(answer, 406, "NotAcceptable")["offered"] == "application/json"


async def test_a_file_is_not_json(http: AsyncClient) -> None:
    answer = await http.get("/v1/batches/1/blob", headers={"accept": "application/json"})
    assert problem(answer, 406, "NotAcceptable")["offered"] == "application/octet-stream"


async def test_a_body_that_says_it_is_no_json_is_refused_unread(
    http: AsyncClient, world: World
) -> None:
    body = transaction_to_json(world.transfer())
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""):
        answer = await http.post("/v1/transactions", json=body, headers={"content-type": kind})
        assert problem(answer, 415, "UnsupportedMediaType")["given"] == kind
    named = {"content-type": "application/json; charset=utf-8"}
    assert (await http.post("/v1/transactions", json=body, headers=named)).status_code == 202


async def test_a_mistake_of_ours_is_a_problem_that_tells_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Views) -> object:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Views, "state", fail)
    transport = ASGITransport(create_app(services_of(world)), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://sequencer") as http:
        answer = await http.get("/v1/state")
    problem(answer, 500, "InternalError")
    assert "secret" not in answer.text
