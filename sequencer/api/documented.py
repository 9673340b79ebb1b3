"""What a route says of itself in the OpenAPI document: its answers, its errors, its media type.

The document describes answers; they are not checked again when they leave, tests hold them to it.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from sequencer.api.media import BYTES, answers_bytes, answers_json
from sequencer.api.problems_http import Problem, problems

Responses = dict[int | str, dict[str, Any]]

_LINK = {
    "Link": {
        "description": 'The page after this one, as `<...>; rel="next"`; absent on the last page',
        "schema": {"type": "string"},
    }
}


def json_routes() -> APIRouter:
    """A group of routes that answer with JSON."""
    return APIRouter(dependencies=[Depends(answers_json)])


def bytes_routes() -> APIRouter:
    """A group of routes that answer with a file."""
    return APIRouter(dependencies=[Depends(answers_bytes)])


def answers(
    model: type[BaseModel] | object, *errors: int, status: int = 200, paged: bool = False
) -> dict[str, Any]:
    """Arguments of a route that answers with this model, or fails with these statuses."""
    good: dict[str, Any] = {"model": model, "description": "As asked"}
    if paged:
        good["headers"] = _LINK
    return {"response_model": None, "responses": {status: good, **problems(*errors)}}


def answers_file(what: str, *errors: int, not_modified: bool = False) -> dict[str, Any]:
    """Arguments of a route that answers with bytes, or fails with these statuses.

    `not_modified`: it answers 304 to whoever names the content that they have.
    """
    return _answers_raw(
        {BYTES: {"schema": {"type": "string", "format": "binary"}}}, what, errors, not_modified
    )


def answers_text(what: str, *errors: int) -> dict[str, Any]:
    """Arguments of a route that answers with plain text, or fails with these statuses."""
    return _answers_raw({"text/plain": {"schema": {"type": "string"}}}, what, errors)


def _answers_raw(
    content: dict[str, Any], what: str, errors: tuple[int, ...], not_modified: bool = False
) -> dict[str, Any]:
    good: Responses = {200: {"description": what, "content": content}}
    if not_modified:
        good[304] = {"description": "If-None-Match names it: nothing has changed"}
    return {"response_model": None, "responses": {**good, **problems(*errors)}}


def document_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the schema of a problem."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
    )
    for path in document["paths"].values():
        for operation in path.values():
            invalid = operation["responses"].get("422", {}).get("content", {})
            if "application/json" in invalid:  # the framework's own: ours is a 400, a problem
                del operation["responses"]["422"]
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    return document
