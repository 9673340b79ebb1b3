"""Every error that leaves the HTTP API is a problem; a person at a browser gets a page of it.

Ref: RFC 9457.
"""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from protocol.codec import Json
from protocol.errors import Malformed, ProtocolError
from sequencer.api.page_answers import error_page, wants_page
from sequencer.errors import SequencerError
from sequencer.problems import CONTENT_TYPE, problem_of

_log = structlog.get_logger(__name__)

PROBLEM: dict[str, Any] = {
    "description": "What was wrong; `code` names it",
    "content": {
        CONTENT_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            }
        }
    },
}
"""How the OpenAPI document describes a problem."""


def add_problems(app: FastAPI) -> None:
    """Make the application answer every error as a problem."""
    for kind in (ProtocolError, SequencerError):
        app.add_exception_handler(kind, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unknown)


def _problem(problem: Json) -> JSONResponse:
    return JSONResponse(problem, status_code=problem["status"], media_type=CONTENT_TYPE)


async def _on_known(_request: Request, error: Exception) -> JSONResponse:
    return _problem(problem_of(error))


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return _problem(problem_of(Malformed(f"{place}: {first['msg']}")))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if wants_page(request):
        return error_page(error.status_code, "there is no such page")
    code = str(error.detail).replace(" ", "")
    return _problem(
        {
            "type": "about:blank",
            "title": str(error.detail),
            "status": error.status_code,
            "detail": str(error.detail),
            "code": code,
        }
    )


async def _on_unknown(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", path=request.url.path, error=repr(error))
    return _problem(
        {
            "type": "about:blank",
            "title": "Internal error",
            "status": 500,
            "detail": "the sequencer failed; its log says how",
            "code": "InternalError",
        }
    )
