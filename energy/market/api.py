"""A market's HTTP interface: signed documents in, the journal and what follows from it out.

POST /v1/documents takes the canonical bytes of one document (application/cbor) and answers once it
is on disk; all other routes read. Integers are decimal strings, bytes hexadecimal after 0x, every
error a problem. Anyone may read: the market has no secrets. Ref: RFC 9457; docs/market_api.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from contracts.buckets import Rate
from energy.canonical import digest
from energy.errors import (
    BadRequest,
    EnergyError,
    MarketFailed,
    NotThere,
    TooLarge,
    TooManyRequests,
)
from energy.market import views
from energy.market.models import (
    AccountRow,
    Book,
    CommunityRow,
    Dues,
    EntryRow,
    Health,
    IntervalRow,
    JournalPage,
    MarketInfo,
    OrderRow,
    PriceRow,
    Problem,
    Taken,
)
from energy.market.problems import CONTENT_TYPE, problem_of, status_of
from energy.market.rates import UNLIMITED, AddressRate
from energy.market.service import MarketService
from protocol.errors import ProtocolError
from protocol.units import INDEX_BITS

MOST_BODY_BYTES = 1 << 23
"""A community of ten thousand homes is the largest document."""
ENTRIES_A_PAGE = 500
PAGE_BYTES = 2_000_000
_MOST = 2**63 - 1
_METHOD_NOT_ALLOWED = 405
_log = structlog.get_logger(__name__)

Number = Annotated[int, Query(ge=0, le=_MOST)]
Account = Annotated[int, Query(ge=0, lt=1 << INDEX_BITS, description="An account of the rollup")]
_CBOR = {
    "requestBody": {
        "required": True,
        "content": {"application/cbor": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": what}
    for status, what in {
        400: "No such request or document makes sense",
        403: "Not signed by whom it needs",
        404: "Nothing of that name",
        413: "Too many bytes",
        422: "A document that is not taken, now or here",
        429: "Too much at once",
        503: "The journal cannot be written",
    }.items()
}


def create_app(service: MarketService, address: Rate = UNLIMITED) -> FastAPI:
    """The application of one market. `address`: what one client address may ask."""
    app = FastAPI(
        title="Wattlane market",
        version=version("wattlane"),
        description="Signed documents in; the journal and what follows from it out.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        responses=_PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )
    _answer_problems(app)
    app.add_middleware(AddressRate, rate=address, answer=_problem)
    _add_reading_routes(app, service)
    _add_interval_routes(app, service)
    return app


def _add_reading_routes(app: FastAPI, service: MarketService) -> None:
    market = service.market

    @app.get("/v1/health")
    async def health() -> Health:
        """Whether it works, and how far it is."""
        return Health(
            status="ok" if service.problem is None else "degraded",
            problem=service.problem,
            seq=market.seq,
            time_ms=service.now_ms(),
        )

    @app.get("/v1/info")
    async def info() -> MarketInfo:
        """Which market this is, the key that signs its journal, and the rules in force."""
        community, now_ms = market.community, service.now_ms()
        rules = market.periods.rules_at(market.periods.next_interval())
        return MarketInfo(
            name=community.name,
            domain=community.domain,
            account=community.account,
            community=market.history.latest.digest,
            key=service.key,
            seq=market.seq,
            time_ms=now_ms,
            zone=community.zone,
            rules_version=rules.version,
            interval_ms=rules.interval_ms,
            clearing=rules.clearing.value,
            timing=rules.timing.value,
            mode=rules.mode.value,
            topology=rules.topology.value,
        )

    @app.post("/v1/documents", openapi_extra=_CBOR)
    async def post_document(request: Request) -> Taken:
        """Hand in a signed document; it is on disk when this answers. Repeating it is safe."""
        given = await service.submit(await _body(request))
        return Taken(
            seq=given.entry.seq,
            digest=digest(given.entry.document),
            kind=given.kind,
            is_new=given.is_new,
        )

    @app.get("/v1/journal")
    def get_journal(
        after: Number = 0,
        limit: Annotated[int, Query(ge=1, le=ENTRIES_A_PAGE)] = ENTRIES_A_PAGE,
    ) -> JournalPage:
        """Entries after a number, in order: as many as fit a page, at least one if there is one."""
        rows: list[EntryRow] = []
        size = 0
        for entry in service.journal.entries(after, limit):
            size += len(entry.document)
            if rows and size > PAGE_BYTES:
                break
            rows.append(views.entry_row(entry))
        newest = service.journal.last
        return JournalPage(key=service.key, newest=newest.seq if newest else 0, entries=rows)

    @app.get("/v1/community")
    async def get_community() -> CommunityRow:
        """The community as it is now, and its canonical bytes."""
        return views.community_row(market)

    @app.get("/v1/book")
    async def get_book(at_ms: Annotated[int | None, Query(ge=0, le=_MOST)] = None) -> Book:
        """The orders that stand in the interval at a time, or now, by their priority in time."""
        return views.book(market, service.now_ms() if at_ms is None else at_ms)

    @app.get("/v1/orders")
    async def get_orders(account: Account) -> list[OrderRow]:
        """All orders of an account, the newest first."""
        return views.orders(market, account, service.now_ms())

    @app.get("/v1/accounts/{account}")
    async def get_account(account: int) -> AccountRow:
        """Where an account stands: the numbers of its next documents, its meters' last readings."""
        return views.account_row(market, account)


def _add_interval_routes(app: FastAPI, service: MarketService) -> None:
    market = service.market

    @app.get("/v1/prices")
    async def get_prices(
        day: Annotated[str, Query(description="A local day of the community: YYYY-MM-DD")],
    ) -> list[PriceRow]:
        """The intervals of a day: what was traded, at what price, between which of the grid's."""
        return views.prices(market, views.day_of(day), service.now_ms())

    @app.get("/v1/intervals/{start_ms}")
    async def get_interval(start_ms: int) -> IntervalRow:
        """An interval's clearing and all its settlements."""
        return views.interval_row(market, start_ms, service.now_ms())

    @app.get("/v1/running")
    async def get_running() -> IntervalRow:
        """The interval under way, cleared as if it ended with the newest readings."""
        return views.running_row(market, await service.running(), service.now_ms())

    @app.get("/v1/dues")
    async def get_dues(account: Account) -> Dues:
        """What an account owes and is owed by all settlements; payments are not counted here."""
        return views.dues(market, await service.running(), account)


def _answer_problems(app: FastAPI) -> None:
    @app.exception_handler(EnergyError)
    @app.exception_handler(ProtocolError)
    async def on_known(_request: Request, error: Exception) -> JSONResponse:
        return _problem(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return _problem(BadRequest(f"{place}: {first['msg']}"))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == _METHOD_NOT_ALLOWED:
            return _problem(BadRequest(f"{request.method[:40]} is not what this path takes"))
        return _problem(NotThere(f"path {request.url.path[:200]!r}"))

    @app.middleware("http")
    async def name_what_fails(request: Request, go_on: Callable[[Request], Awaitable[Any]]) -> Any:
        try:
            return await go_on(request)
        except Exception as error:  # noqa: BLE001 - a bug must not end the market
            _log.error("request failed", path=request.url.path, error=repr(error))
            return _problem(MarketFailed())


def _problem(error: Exception) -> JSONResponse:
    headers = {}
    if isinstance(error, TooManyRequests):
        headers["retry-after"] = str(error.retry_after_s)
    return JSONResponse(problem_of(error), status_of(error), headers, media_type=CONTENT_TYPE)


async def _body(request: Request) -> bytes:
    """Raises TooLarge."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise TooLarge(MOST_BODY_BYTES)
    return bytes(body)
