"""Transactions in, and where they stand."""

from __future__ import annotations

import json

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from protocol.codec import Json, transaction_from_json, transaction_id
from protocol.errors import Malformed
from protocol.transactions import Transaction as Signed
from sequencer.api.documented import answers, json_routes
from sequencer.api.media import JSON, reads_json
from sequencer.api.models import Transaction
from sequencer.api.parameters import Number, TransactionId, optional_number
from sequencer.api.request_schemas import TRANSACTION
from sequencer.api.services import Services

_BODY = {"requestBody": {"required": True, "content": {JSON: {"schema": TRANSACTION}}}}


def router(services: Services) -> APIRouter:
    """/v1/transactions."""
    routes, ledger, views = json_routes(), services.ledger, services.views

    def submit(transaction: Signed, domain: int | None) -> Json:
        is_new = not views.knows(transaction_id(transaction))
        if is_new:
            services.rates.check(transaction)
        id_ = ledger.submit(transaction, domain)
        if is_new:
            services.rates.count(transaction)
        return views.transaction(id_)

    @routes.post(
        "/v1/transactions",
        status_code=202,
        openapi_extra=_BODY,
        dependencies=[Depends(reads_json)],
        **answers(Transaction, 400, 403, 404, 409, 410, 415, 422, 507, status=202),
    )
    async def post_transaction(request: Request, domain: Number = None) -> Json:
        """Submit a signed transaction.

        Its id is the hash of what was signed, so repeating it is safe and answers where it stands:
        no further idempotency key is needed, and none is read. `domain` (optional): the domain it
        was signed for, so that a wrong one is named as such.
        """
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise Malformed("the body is not JSON") from error
        transaction = transaction_from_json(given)
        return await run_in_threadpool(submit, transaction, optional_number(domain))

    @routes.get("/v1/transactions/{id_}", **answers(Transaction, 404))
    def get_transaction(id_: TransactionId) -> Json:
        """Where a transaction stands, with a signed receipt."""
        return views.transaction(id_)

    return routes
