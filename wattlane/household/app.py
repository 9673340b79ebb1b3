"""The household's page over HTTP: loopback, one cookie, own Host, own forms. See guard.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from channels.control_client import ControlClient
from channels.errors import ChannelsError, NodeNotRunning
from sequencer.pages.assets import assets
from sequencer.pages.rendering import HEADERS, environment
from wattlane.household.batches import Batches, Seen
from wattlane.household.bill import follows_market, shown_bill
from wattlane.household.day import DayPage, day_of, day_page, hour_before
from wattlane.household.errands import Errands
from wattlane.household.guard import Guard
from wattlane.household.leaving import Situation, way_out
from wattlane.household.outlook import Household, in_time, situation
from wattlane.household.work import ERRANDS, carry_out

TEMPLATES = Path(__file__).parent / "templates"
MOST_FORM_BYTES = 4_096
Look = Callable[[Household], Awaitable[Situation]]
OnL1 = Callable[[], Awaitable[Seen]]
_Handler = Callable[[Request], Awaitable[Response]]


@cache
def _templates() -> Environment:
    return environment(TEMPLATES)


def _now() -> datetime:
    return datetime.now().astimezone()


class HouseholdPages:
    """The handlers of one home's page. `clock`: now, with this machine's time zone; `look`: how
    things stand; `on_l1`: what L1 has of its channels."""

    def __init__(
        self,
        home: Household,
        guard: Guard,
        clock: Callable[[], datetime] = _now,
        look: Look = situation,
        on_l1: OnL1 | None = None,
    ) -> None:
        self._on_l1 = on_l1 or Batches(home).seen
        self._home, self._guard, self._clock, self._look = home, guard, clock, look
        self.errands = Errands()

    def app(self) -> Starlette:
        """The application; nothing of it answers a foreign Host."""
        routes = [
            Route("/", self._own(self.day)),
            Route("/live/day", self._own(self.live_day)),
            Route("/bill", self._own(self.bill)),
            Route("/leave", self._own(self.leave)),
            Route("/live/leave", self._own(self.live_leave)),
            Route("/leave/{errand}", self._own(self.begin), methods=["POST"]),
            Route("/session", self._hosted(self.unlock), methods=["POST"]),
            Route("/static/{name}", self._hosted(self.static)),
            Route("/{rest:path}", self._own(self.nowhere)),
        ]
        return Starlette(routes=routes)

    # --- who may ------------------------------------------------------------------------------

    def _hosted(self, handler: _Handler) -> _Handler:
        async def answer(request: Request) -> Response:
            if not self._guard.is_own_host(request.headers.get("host", "")):
                return self._page("refused.html", {"why": "this name is not this page's"}, 421)
            if request.method == "POST" and not self._guard.is_own_origin(
                request.headers.get("origin"), request.headers.get("sec-fetch-site")
            ):
                return self._page("refused.html", {"why": "this came from another page"}, 403)
            return await handler(request)

        return answer

    def _own(self, handler: _Handler) -> _Handler:
        async def answer(request: Request) -> Response:
            if not self._guard.knows(request.cookies.get(self._guard.cookie)):
                return self._page("unlock.html", {"failed": False}, 401)
            return await handler(request)

        return self._hosted(answer)

    async def unlock(self, request: Request) -> Response:
        """Exchange the link's token for a cookie."""
        form = await _form(request)
        session = self._guard.open(form.get("token", ""))
        if session is None:
            return self._page("unlock.html", {"failed": True}, 401)
        answer = RedirectResponse("/", 303, headers=dict(HEADERS))
        answer.set_cookie(self._guard.cookie, session, httponly=True, samesite="strict")
        return answer

    # --- pages --------------------------------------------------------------------------------

    async def day(self, request: Request) -> Response:
        """Today, money, channels and what to know."""
        return await self._shown_day(request, "day.html")

    async def live_day(self, request: Request) -> Response:
        """The part of it that changes."""
        return await self._shown_day(request, "_day.html")

    async def bill(self, request: Request) -> Response:
        """A month's bill, from the home's own files and what L1 has of its channels."""
        folder, month = self._home.folder, request.query_params.get("month")
        seen = await self._on_l1() if follows_market(folder) else Seen(None)
        found = await asyncio.to_thread(shown_bill, folder, month, seen, self._home.sequencer_url)
        return self._page("bill.html", {"found": found, "path": "/bill"})

    async def leave(self, request: Request) -> Response:
        """The way out as things stand."""
        return await self._shown_leave(request, "leave.html")

    async def live_leave(self, request: Request) -> Response:
        """The part of it that changes."""
        return await self._shown_leave(request, "_leave.html")

    async def begin(self, request: Request) -> Response:
        """Start an errand, of a form of this session's own."""
        form = await _form(request)
        session = request.cookies[self._guard.cookie]
        if not self._guard.is_form_token(session, form.get("form_token", "")):
            return self._page("refused.html", {"why": "the form is too old; reload it"}, 403)
        name, subject = str(request.path_params["errand"]), form.get("subject", "")
        number = int(subject) if subject.isascii() and subject.isdigit() else 0
        if name not in ERRANDS or len(subject) > 40:
            return await self.nowhere(request)
        title, work = ERRANDS[name]
        self.errands.start(f"{name} {number}", title, carry_out(self._home.folder, work, number))
        return RedirectResponse("/leave", 303, headers=dict(HEADERS))

    async def static(self, request: Request) -> Response:
        """Styles and scripts."""
        found = assets().get(str(request.path_params["name"]))
        if found is None:
            return Response(status_code=404, headers=dict(HEADERS))
        kept = {**HEADERS, "Cache-Control": "private, max-age=31536000, immutable"}
        return Response(found.content, media_type=found.media_type, headers=kept)

    async def nowhere(self, _: Request) -> Response:
        """Anything else."""
        return self._page("refused.html", {"why": "there is no such page"}, 404)

    async def _shown_day(self, request: Request, template: str) -> Response:
        try:
            found = await self._read_day(request.query_params.get("span"))
        except ChannelsError as error:
            fails = {"why": str(error), "asleep": isinstance(error, NodeNotRunning)}
            name = "asleep.html" if template == "day.html" else "_asleep.html"
            return self._page(name, {**fails, "home": self._home, "path": "/"})
        return self._page(template, {"found": found, "path": "/"})

    async def _read_day(self, span: str | None) -> DayPage:
        now = self._clock()
        shown = hour_before(now) if span == "hour" else day_of(now)
        async with ControlClient.connect(self._home.folder) as node:
            info, channels = await node.info(), await node.channels()
            spans = await node.spans(shown.start_s, shown.end_s, shown.span_s)
            balance = await in_time(node.balance())
        return day_page(info, channels, balance, spans, shown, now)

    async def _shown_leave(self, request: Request, template: str) -> Response:
        session = request.cookies[self._guard.cookie]
        way = way_out(await self._look(self._home), self._home.place())
        values = {
            "way": way,
            "errands": self.errands.all(),
            "form_token": self._guard.form_token(session),
            "path": "/leave",
        }
        return self._page(template, values)

    def _page(self, template: str, values: Mapping[str, object], status: int = 200) -> Response:
        text = _templates().get_template(template).render(values)
        return HTMLResponse(text, status, headers=dict(HEADERS))


async def _form(request: Request) -> dict[str, str]:
    """A small form's fields, the first of each name; nothing of one that is too large."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_FORM_BYTES:
            return {}
    try:
        return {name: given[0] for name, given in parse_qs(body.decode("ascii")).items()}
    except ValueError:
        return {}
