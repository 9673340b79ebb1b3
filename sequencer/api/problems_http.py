"""Every error that leaves the HTTP API is a problem; a person at a browser gets a page of it.

Ref: RFC 9457; docs/api.md lists the codes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from protocol.errors import Malformed, ProtocolError
from sequencer.api.methods import allowed_methods
from sequencer.api.page_answers import error_page, wants_page
from sequencer.errors import (
    InternalError,
    MempoolFull,
    MethodNotAllowed,
    NoBatcher,
    NotFound,
    SequencerError,
    TooManyRequests,
)
from sequencer.problems import CONTENT_TYPE, codes, is_answerable, problem_of

_log = structlog.get_logger(__name__)

BATCHER_RETRY_S = 1
"""When to try again where no process is the batcher: another one takes over at once."""

MEMPOOL_RETRY_S = 5
"""When to try again where the mempool is full."""

_METHOD_NOT_ALLOWED = 405
_ALWAYS = (406, 413, 429, 500, 503)
"""Statuses that any route can have."""


class Problem(BaseModel):
    """What was wrong; `code` names it, and its own fields follow. Ref: RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="The code as a URN; it never changes its meaning")
    title: str
    status: int
    detail: str = Field(description="For people")
    code: str = Field(description="One of the codes in docs/api.md")


def _codes_by_status() -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for code in codes():
        found[code.status].append(code.name)
    return found


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses of a route that can fail with these statuses, besides what any can."""
    named = _codes_by_status()
    return {
        status: {
            "description": ", ".join(named[status]),
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in sorted({*statuses, *_ALWAYS})
    }


def add_problems(app: FastAPI) -> None:
    """Make the application answer every error as a problem."""
    for kind in (ProtocolError, SequencerError):
        app.add_exception_handler(kind, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unknown)


def problem_response(error: Exception) -> JSONResponse:
    """The answer that an error is, with the headers that its status asks for."""
    problem = problem_of(error)
    headers: dict[str, str] = {}
    match error:
        case TooManyRequests(retry_after_s=seconds):
            headers["retry-after"] = str(seconds)
        case MempoolFull():
            headers["retry-after"] = str(MEMPOOL_RETRY_S)
        case NoBatcher():
            headers["retry-after"] = str(BATCHER_RETRY_S)
        case MethodNotAllowed(allowed=allowed):
            headers["allow"] = allowed
    return JSONResponse(problem, problem["status"], headers, media_type=CONTENT_TYPE)


async def _on_known(request: Request, error: Exception) -> JSONResponse:
    if is_answerable(error):
        return problem_response(error)
    return await _on_unknown(request, error)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return problem_response(Malformed(f"{place}: {first['msg']}"))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if wants_page(request):
        return error_page(error.status_code, "there is no such page")
    if error.status_code == _METHOD_NOT_ALLOWED:
        allowed = ", ".join(allowed_methods(request.scope))
        return problem_response(MethodNotAllowed(request.method[:40], allowed))
    if error.status_code < 500:
        return problem_response(NotFound(f"path {request.url.path[:200]!r}"))
    return await _on_unknown(request, error)


async def _on_unknown(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", path=request.url.path, error=repr(error))
    return problem_response(InternalError())
