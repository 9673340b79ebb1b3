"""A market's pages over HTTP, beside its API. Nothing that a member wrote is taken for markup."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from energy.errors import EnergyError, NoCommunityYet, NotThere, UnknownMember
from energy.intervals import local_day
from energy.market import views
from energy.market.service import MarketService
from sequencer.pages.assets import assets
from sequencer.pages.rendering import HEADERS, environment
from wattlane.market_pages.today import today
from wattlane.times import clock

TEMPLATES = Path(__file__).parent / "templates"
_NOT_FOUND, _BAD, _UNAVAILABLE = 404, 400, 503
_Handler = Callable[[Request], Awaitable[Response]]


@cache
def _templates() -> Environment:
    return environment(TEMPLATES)


class MarketPages:
    """The handlers of one market's pages."""

    def __init__(self, service: MarketService) -> None:
        self._service = service

    def add_to(self, app: Starlette) -> None:
        """Serve them beside what `app` serves already."""
        app.router.routes += [
            Route("/", self._shown(self.day)),
            Route("/live/day", self._shown(self.live_day)),
            Route("/book", self._shown(self.book)),
            Route("/intervals/{start_ms:int}", self._shown(self.interval)),
            Route("/homes/{account:int}", self._shown(self.home)),
            Route("/static/{name}", self.static),
        ]

    def _shown(self, handler: _Handler) -> _Handler:
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except NoCommunityYet:
                return self._page("begins.html", {"path": "/", "name": "A market"}, _UNAVAILABLE)
            except EnergyError as error:
                missing = isinstance(error, NotThere | UnknownMember)
                values = {**self._frame(""), "why": str(error)}
                return self._page("refused.html", values, _NOT_FOUND if missing else _BAD)

        return answer

    async def day(self, request: Request) -> Response:
        """A day's prices; today's without a parameter."""
        return await self._shown_day(request, "today.html")

    async def live_day(self, request: Request) -> Response:
        """The part of it that changes."""
        return await self._shown_day(request, "_today.html")

    async def _shown_day(self, request: Request, template: str) -> Response:
        market, now_ms = self._service.market, self._service.now_ms()
        community, zone = market.community, market.community.zone_info
        first_ms = max(community.tariffs[0].valid_from_ms, community.rules[0].valid_from_ms)
        first, this = local_day(first_ms, zone), local_day(now_ms, zone)
        given = request.query_params.get("day")
        day = views.day_of(given) if given else this
        running = await self._service.running()
        values = {
            **self._frame("/"),
            "day": day,
            "before": _beside(day, -1) if day > first else None,
            "after": _beside(day, 1) if day < this else None,
            "found": today(views.prices(market, day, now_ms), zone),
            "running": views.running_row(market, running, now_ms) if running else None,
            "standing": len(views.book(market, now_ms).orders),
        }
        return self._page(template, values)

    async def book(self, _: Request) -> Response:
        """The orders that stand now."""
        found = views.book(self._service.market, self._service.now_ms())
        values = {**self._frame("/book"), "at_ms": found.at_ms}
        for side in ("sell", "buy"):
            values[side] = [one for one in found.orders if one.side == side]
        return self._page("book.html", values)

    async def interval(self, request: Request) -> Response:
        """An interval's clearing and settlements."""
        start_ms = int(request.path_params["start_ms"])
        found = views.interval_row(self._service.market, start_ms, self._service.now_ms())
        return self._page("interval.html", {**self._frame("/intervals"), "found": found})

    async def home(self, request: Request) -> Response:
        """A home's orders, and what it owes and is owed."""
        market, account = self._service.market, int(request.path_params["account"])
        if account == market.community.account:
            orders = []
        else:
            orders = views.orders(market, account, self._service.now_ms())
        values = {**self._frame("/homes"), "account": account, "orders": orders}
        dues = views.dues(market, await self._service.running(), account).dues
        return self._page("member.html", {**values, "dues": dues})

    async def static(self, request: Request) -> Response:
        """Styles and scripts."""
        found = assets().get(str(request.path_params["name"]))
        if found is None:
            return Response(status_code=_NOT_FOUND, headers=dict(HEADERS))
        kept = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
        return Response(found.content, media_type=found.media_type, headers=kept)

    def _frame(self, path: str) -> dict[str, object]:
        """What every page needs."""
        community = self._service.market.community
        zone = community.zone_info
        return {
            "path": path,
            "name": community.name,
            "names": self._service.market.history.names,
            "problem": self._service.problem,
            "seq": self._service.market.seq,
            "clock": lambda time_ms: clock(time_ms, zone),
            "local_day": lambda time_ms: local_day(time_ms, zone).isoformat(),
        }

    def _page(self, template: str, values: Mapping[str, object], status: int = 200) -> Response:
        text = _templates().get_template(template).render(values)
        return HTMLResponse(text, status, headers=dict(HEADERS))


def add_market_pages(app: Starlette, service: MarketService) -> None:
    """Serve a market's pages beside its interface."""
    MarketPages(service).add_to(app)


def _beside(day: date, days: int) -> str | None:
    try:
        return (day + timedelta(days=days)).isoformat()
    except OverflowError:
        return None
