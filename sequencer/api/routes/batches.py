"""Batches with their proofs and their blobs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from protocol.codec import Json
from sequencer.api.cursors import Paging
from sequencer.api.documented import answers, answers_file
from sequencer.api.media import BYTES, answers_bytes, answers_json
from sequencer.api.models import Batch, OpenBatch
from sequencer.api.parameters import After, Cursor, Hash, Row
from sequencer.api.services import Services
from sequencer.views import BATCHES_A_PAGE

_PAGING = Paging("batches", "number", ("after",))
_JSON = Depends(answers_json)
Limit = Annotated[int, Query(ge=1, le=BATCHES_A_PAGE, description="Rows a page")]


def router(services: Services) -> APIRouter:
    """/v1/batches."""
    routes, views = APIRouter(), services.views

    @routes.get("/v1/batches", dependencies=[_JSON], **answers(list[Batch], 400, paged=True))
    def get_batches(
        request: Request,
        response: Response,
        after: After = 0,
        cursor: Cursor = None,
        limit: Limit = BATCHES_A_PAGE,
    ) -> list[Json]:
        """Sealed batches, in order."""
        rows = views.batches(_PAGING.start(cursor, after), limit)
        return _PAGING.linked(request, response, rows, limit)

    @routes.get(
        "/v1/batches/{number}", dependencies=[_JSON], **answers(Batch | OpenBatch, 400, 404)
    )
    def get_batch(number: Row) -> Json:
        """A batch with its proofs, roots and L1 transaction; the one being filled, too."""
        return views.batch(number)

    @routes.get(
        "/v1/batches/{number}/blob",
        response_class=Response,
        dependencies=[Depends(answers_bytes)],
        **answers_file("The blob", 400, 404),
    )
    def get_blob(number: Row, versioned_hash: Hash = None) -> Response:
        """The blob that holds a batch's data, 131,072 bytes: check it against its hash on L1.

        `versioned_hash` (optional): that one exactly, where a batch was sealed anew.
        """
        named = None if versioned_hash is None else bytes.fromhex(versioned_hash[2:])
        return Response(views.blob(number, named), media_type=BYTES)

    return routes
