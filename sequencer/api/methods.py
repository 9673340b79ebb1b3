"""HEAD and OPTIONS for every route, as RFC 9110 (sections 9.3.2 and 9.3.7) has them."""

from __future__ import annotations

from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def allowed_methods(scope: Scope) -> list[str]:
    """The methods that the path takes, OPTIONS too; empty where there is no such path."""
    found = [one for one in _METHODS if _is_route(scope, one)]
    if not found:
        return []
    head = ["HEAD"] if "GET" in found else []
    return [*found[:1], *head, *found[1:], "OPTIONS"]


def _is_route(scope: Scope, method: str) -> bool:
    asked = {**scope, "type": "http", "method": method}
    return any(route.matches(asked)[0] is Match.FULL for route in scope["app"].routes)


class HeadAndOptions:
    """ASGI middleware: HEAD is GET without the body; OPTIONS names a path's methods."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS; let the application answer HEAD as a GET."""
        method = scope.get("method")
        if method == "OPTIONS" and (allowed := allowed_methods(scope)):
            headers = [(b"allow", ", ".join(allowed).encode())]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body"})
        elif method == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def forward(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return forward
