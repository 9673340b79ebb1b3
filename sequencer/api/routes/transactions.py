"""Transactions in, and where they stand."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from protocol.codec import Json, transaction_from_json
from protocol.errors import Malformed
from sequencer.api.parameters import optional_number
from sequencer.api.services import Services

_TRANSACTION = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "body", "signatures"],
                    "additionalProperties": False,
                    "properties": {
                        "type": {
                            "enum": [
                                "transfer",
                                "withdraw",
                                "open",
                                "top_up",
                                "claim",
                                "start_close",
                                "close",
                                "finalize",
                            ]
                        },
                        "body": {
                            "type": "object",
                            "additionalProperties": {"type": "string", "pattern": "^[0-9]+$"},
                        },
                        "signatures": {"type": "array", "maxItems": 2, "items": {"type": "object"}},
                    },
                }
            }
        },
    }
}


def router(services: Services) -> APIRouter:
    """/v1/transactions."""
    routes, ledger, views = APIRouter(), services.ledger, services.views

    @routes.post("/v1/transactions", status_code=202, openapi_extra=_TRANSACTION)
    async def post_transaction(request: Request, domain: str | None = None) -> Json:
        """Submit a signed transaction; repeating it is safe.

        `domain` (optional): the domain it was signed for, so that a wrong one is named as such.
        """
        given_domain = optional_number("domain", domain)
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise Malformed("the body is not JSON") from error
        transaction = transaction_from_json(given)
        id_ = await run_in_threadpool(ledger.submit, transaction, given_domain)
        return await run_in_threadpool(views.transaction, id_)

    @routes.get("/v1/transactions/{id_}")
    def get_transaction(id_: str) -> Json:
        """Where a transaction stands, with a signed receipt."""
        return views.transaction(id_)

    return routes
