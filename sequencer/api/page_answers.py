"""How pages leave: as HTML with the headers that every page has, errors too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from protocol.errors import ProtocolError
from sequencer.errors import SequencerError
from sequencer.pages.rendering import HEADERS, explorer
from sequencer.problems import problem_of

_log = structlog.get_logger(__name__)
_TITLES = {
    400: "That is no such number or name",
    403: "That is not allowed from here",
    404: "There is nothing here",
    429: "Too much at once",
    503: "Not now",
}


def page(template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """A page of the explorer, from a template and what it names."""
    text = explorer().get_template(template).render(values)
    return HTMLResponse(text, status, headers=dict(HEADERS))


def error_page(status: int, detail: str) -> HTMLResponse:
    """An error as a page; `detail` may hold what a visitor typed."""
    title = _TITLES.get(status, "Something failed")
    return page("error.html", {"status": status, "title": title, "detail": detail}, status)


def wants_page(request: Request) -> bool:
    """Whether a person asks, with a browser, and not for the API."""
    accepts = "text/html" in request.headers.get("accept", "")
    return accepts and not request.url.path.startswith("/v1/")


class PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors turned into pages."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except (ProtocolError, SequencerError) as error:
                return error_page(int(problem_of(error)["status"]), str(error))
            except HTTPException as error:
                return error_page(error.status_code, str(error.detail))
            except Exception as error:  # noqa: BLE001 - a person must be told something
                _log.error("a page failed", path=request.url.path, error=repr(error))
                return error_page(500, "the sequencer failed; its log says how")

        return handler
