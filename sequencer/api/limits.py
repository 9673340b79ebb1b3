"""No request body larger than the limit is ever read into memory."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sequencer.api.problems_http import problem_response
from sequencer.errors import BodyTooLarge


class BodyLimit:
    """ASGI middleware: 413 for a declared or actual body beyond `limit_bytes`.

    `other_limits`: of some paths, in bytes.
    """

    def __init__(
        self, app: ASGIApp, limit_bytes: int, other_limits: Mapping[str, int] | None = None
    ) -> None:
        self._app, self._limit, self._other_limits = app, limit_bytes, other_limits or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what arrives; answer for the application where it is too much."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._other_limits.get(scope["path"], self._limit)
        refusal = problem_response(BodyTooLarge(limit))
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > limit:
            await refusal(scope, receive, send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                await refusal(scope, receive, send)
                return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, replay, send)
