"""The application of a worker: transactions in and where they stand, on the database alone.

Everything else is the batcher's to answer and is handed on to it.
"""

from __future__ import annotations

import json

from fastapi import Depends, FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from protocol.codec import Json, transaction_from_json, transaction_id
from protocol.errors import Malformed
from sequencer.accepting import Accepting
from sequencer.api.app import MAX_BODY_BYTES, OTHER_LIMITS
from sequencer.api.documented import json_routes
from sequencer.api.limits import BodyLimit
from sequencer.api.media import reads_json
from sequencer.api.parameters import Number, TransactionId, optional_number
from sequencer.api.problems_http import add_problems
from sequencer.api.rates import AddressRate, Rates
from sequencer.api.routes import intake
from sequencer.records import Records
from sequencer.storage.intake import Offered

VERDICT_S = 2.0
"""So long a post of one transaction waits for the batcher's verdict; then it is "accepted"."""

_PATH = "/v1/transactions"


class WorkerApp:
    """ASGI: a worker's own routes, and `others` for the rest, once a request's body is here.

    The intake counts by the same `rates`.
    """

    def __init__(
        self, accepting: Accepting, records: Records, others: ASGIApp, rates: Rates
    ) -> None:
        self._own = _own_routes(accepting, records, rates)
        self._others = BodyLimit(others, MAX_BODY_BYTES, OTHER_LIMITS)
        self._limited = AddressRate(self._answer, rates)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer here, or hand on."""
        await self._limited(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._own if _is_own(scope) else self._others
        await app(scope, receive, send)


def _is_own(scope: Scope) -> bool:
    if scope["type"] != "http":
        return False
    method, path = scope["method"], scope["path"]
    if method == "POST":
        return path in {_PATH, intake.PATH}
    return bool(method == "GET" and path.startswith(f"{_PATH}/"))


def _own_routes(accepting: Accepting, records: Records, rates: Rates) -> ASGIApp:
    app, routes = FastAPI(openapi_url=None), json_routes()
    add_problems(app)

    @routes.post(_PATH, status_code=202, dependencies=[Depends(reads_json)], response_model=None)
    async def post_transaction(request: Request, domain: Number = None) -> Json:
        """Accept a transaction, and say what the batcher made of it, if it does so soon."""
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise Malformed("the body is not JSON") from error
        transaction = transaction_from_json(given)

        def check() -> Offered:
            if not records.knows(transaction_id(transaction)):
                rates.check(transaction)
            return accepting.intake.check(transaction, optional_number(domain))

        offered = await run_in_threadpool(check)
        (refusal,) = await accepting.accept([offered])
        if refusal is not None:
            raise refusal
        await accepting.executed(offered.id, VERDICT_S)
        return await run_in_threadpool(records.transaction, offered.id)

    @routes.get(f"{_PATH}/{{id_}}", response_model=None)
    def get_transaction(id_: TransactionId) -> Json:
        """Where a transaction stands, with a signed receipt."""
        return records.transaction(id_)

    app.include_router(routes)
    app.include_router(intake.batch_routes(accepting, rates))
    return BodyLimit(app, MAX_BODY_BYTES, OTHER_LIMITS)
