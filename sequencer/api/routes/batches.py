"""Batches with their proofs and their blobs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from protocol.codec import Json
from sequencer.api.parameters import hash_bytes, row_number
from sequencer.api.services import Services

_BLOB: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The blob"}
}


def router(services: Services) -> APIRouter:
    """/v1/batches."""
    routes, views = APIRouter(), services.views

    @routes.get("/v1/batches")
    def get_batches(after: str = "0") -> list[Json]:
        """Batches with a higher number, in order, at most 100."""
        return views.batches(row_number("after", after))

    @routes.get("/v1/batches/{number}")
    def get_batch(number: str) -> Json:
        """A batch with its proof, roots and L1 transaction."""
        return views.batch(row_number("number", number))

    @routes.get("/v1/batches/{number}/blob", response_class=Response, responses=_BLOB)
    def get_blob(number: str, versioned_hash: str | None = None) -> Response:
        """The blob that holds a batch's data, 131,072 bytes: check it against its hash on L1.

        `versioned_hash` (optional, 0x...): that one exactly, where a batch was sealed anew.
        """
        named = None if versioned_hash is None else hash_bytes("versioned_hash", versioned_hash)
        blob = views.blob(row_number("number", number), named)
        return Response(blob, media_type="application/octet-stream")

    return routes
