from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient

from protocol.codec import Json
from sequencer.api.app import create_app
from sequencer.api.services import Info, IsWell, Services
from sequencer.errors import CheckStopped
from sequencer.pages.assets import HTMX_SHA256, assets
from sequencer.pages.options import PageOptions
from sequencer.pages.verifying import Check, VerifyDesk
from sequencer.views import Views
from tests.browser.street import FINAL, PROVED, Street

BROWSER = {"accept": "text/html,application/xhtml+xml"}
CONTRACT = "0x" + "5f" * 20
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7*7 }}",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "0x" + "g" * 64,
    "1' OR '1'='1",
    "\u202eevil",
    "9" * 200,
)
PATHS = (
    "/",
    "/batches",
    f"/batches/{FINAL}",
    "/batches/7",
    "/homes",
    "/homes/0",
    "/channels/1",
    "/search",
    "/live/overview",
)


async def verify(number: int) -> AsyncIterator[Check]:
    yield Check("data", None, True, "</script><b>", 0.1)
    if number == 3:
        yield Check("replay", 1, False, "another root", 0.2)
    if number == 2:
        raise CheckStopped("L1 does not answer")


class Ill(IsWell):
    """Of a sequencer whose L1 is gone."""

    def report(self) -> Json:
        return {"status": "degraded", "ailments": {"l1": "no connection to <l1>"}}


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Street:
    return Street(tmp_path_factory.mktemp("street") / "sequencer.db")


@pytest.fixture
async def http(street: Street) -> AsyncIterator[AsyncClient]:
    ledger = street.world.ledger
    pages = PageOptions(CONTRACT, "https://l1.example", VerifyDesk(verify))
    services = Services(ledger, Views(ledger), Info(31_337, CONTRACT, True), pages=pages)
    app = create_app(services)
    async with AsyncClient(
        transport=ASGITransport(app, raise_app_exceptions=False),
        base_url="http://sequencer",
        headers=BROWSER,
    ) as client:
        yield client


class Tags(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def check_harmless(text: str) -> None:
    """No inline script or style, no handler, and nothing from elsewhere but links to click."""
    for tag, attributes in Tags(text).elements:
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag
        assert tag not in ("style", "iframe", "object", "embed", "base"), tag
        if tag == "script":
            assert (attributes["src"] or "").startswith("/static/")
        for name in ("src", "action", "hx-get", "data-source"):
            assert (attributes.get(name) or "/").startswith("/"), attributes
        link = attributes.get("href") or "/"
        assert link.startswith(("/", "#", "https://l1.example/")), link


@pytest.mark.parametrize("path", PATHS)
async def test_every_page_has_the_headers_and_nothing_inline(http: AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    check_harmless(answer.text)


@pytest.mark.parametrize("typed", HOSTILE)
async def test_nothing_that_was_typed_is_trusted(http: AsyncClient, typed: str) -> None:
    for path in ("/batches", "/homes", "/channels", "/transactions", "/static"):
        answer = await http.get(f"{path}/{typed}")
        assert answer.status_code in (400, 404), path
        check_harmless(answer.text)
        assert "<script>alert" not in answer.text
    for query in ({"q": typed}, {"below": typed}, {"start": typed}):
        name = {"q": "/search", "below": "/batches", "start": "/homes"}[next(iter(query))]
        answer = await http.get(name, params=query)
        assert answer.status_code in (200, 400)
        check_harmless(answer.text)
        assert "{{ 7*7 }}" in answer.text or typed != "{{ 7*7 }}"
        assert "<img src=x" not in answer.text


async def test_a_person_gets_a_page_of_an_error_and_a_program_gets_a_problem(
    http: AsyncClient,
) -> None:
    for path in ("/nowhere", "/batches/99", f"/homes/{2**23}", "/transactions/ab"):
        answer = await http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            404,
            "text/html; charset=utf-8",
        )
        assert "There is nothing here" in answer.text
        assert "content-security-policy" in answer.headers
    for headers, path in (({"accept": "*/*"}, "/nowhere"), (BROWSER, "/v1/nowhere")):
        answer = await http.get(path, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await http.get("/batches/x")).status_code == 400


async def test_a_page_that_fails_says_so_and_no_more(
    http: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret path")

    monkeypatch.setattr("sequencer.pages.reading.PageReader.home", fail)
    answer = await http.get("/homes/0")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "its log says how" in answer.text


async def test_static_files_are_kept_by_their_content(http: AsyncClient) -> None:
    home = (await http.get("/")).text
    for name, asset in assets().items():
        answer = await http.get(asset.url)
        assert answer.content == asset.content
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == asset.media_type
        if name in ("wattlane.css", "htmx.min.js", "flows.js"):
            assert asset.url in home
    assert hashlib.sha256(assets()["htmx.min.js"].content).hexdigest() == HTMX_SHA256
    assert (await http.get("/static/secret")).status_code == 404


async def test_a_check_is_streamed_step_by_step(http: AsyncClient) -> None:
    async def lines(number: int) -> list[dict[str, object]]:
        answer = await http.post(f"/batches/{number}/verify")
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert answer.headers["x-content-type-options"] == "nosniff"
        return [json.loads(line) for line in answer.text.splitlines()]

    holds = await lines(1)
    assert [one.get("step") for one in holds] == ["data", None]
    assert holds[-1] == {"outcome": "holds", "why": ""}
    fails = await lines(3)
    assert (fails[1]["step"], fails[1]["holds"], fails[-1]["outcome"]) == ("replay", False, "fails")
    assert (await lines(2))[-1] == {"outcome": "stopped", "why": "L1 does not answer"}
    assert "Verified here before: all 1 checks held" in (await http.get("/batches/1")).text


async def test_a_check_is_started_from_its_own_page_alone(http: AsyncClient) -> None:
    answer = await http.post("/batches/1/verify", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert (await http.post(f"/batches/{PROVED}/verify")).status_code == 404
    assert (await http.get("/batches/1/verify")).status_code == 405


async def test_the_command_to_copy_names_contract_and_batch_and_no_url(http: AsyncClient) -> None:
    text = (await http.get(f"/batches/{FINAL}")).text
    asked = f"wattlane verify-batch {FINAL} --l1 &#34;$YOUR_L1_NODE&#34; --contract {CONTRACT}"
    assert asked in text


async def test_a_search_with_one_answer_goes_there(http: AsyncClient, street: Street) -> None:
    answer = await http.get("/search", params={"q": street.close_id})
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/transactions/{street.close_id}",
    )


async def test_ailments_are_shown(street: Street) -> None:
    ledger = street.world.ledger
    services = Services(ledger, Views(ledger), Info(31_337, CONTRACT, True), Ill())
    async with AsyncClient(
        transport=ASGITransport(create_app(services)), base_url="http://sequencer"
    ) as http:
        text = (await http.get("/")).text
    assert "Not all is well" in text
    assert "L1 does not answer" in text
    assert "no connection to &lt;l1&gt;" in text


async def test_pages_are_no_part_of_the_api(http: AsyncClient) -> None:
    document = (await http.get("/v1/openapi.json")).json()
    assert not {"/", "/batches", "/search", "/batches/{number}/verify"} & document["paths"].keys()
    assert "/v1/flows" in document["paths"]


def test_every_template_is_escaped() -> None:
    folder = Path(__file__).parents[3] / "sequencer" / "pages" / "templates"
    for path in folder.glob("*.html"):
        text = path.read_text()
        assert "| safe" not in text, path
        assert "autoescape false" not in text, path
