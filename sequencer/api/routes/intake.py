"""Many transactions in one post: each is answered by itself, all are written at once."""

from __future__ import annotations

import json

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from protocol.codec import Json, transaction_from_json
from protocol.errors import Malformed, ProtocolError
from protocol.transactions import Transaction
from sequencer.accepting import Accepting
from sequencer.api.documented import answers, json_routes
from sequencer.api.media import JSON, reads_json
from sequencer.api.models import Intake as IntakeAnswer
from sequencer.api.parameters import Number, optional_number
from sequencer.api.rates import Rates
from sequencer.api.services import Services
from sequencer.errors import AdmissionError, TooManyRequests
from sequencer.intake import Intake
from sequencer.problems import problem_of
from sequencer.storage.intake import Offered

MOST_TRANSACTIONS = 256
PATH = "/v1/intake"
MAX_BODY_BYTES = 1_024 * MOST_TRANSACTIONS
"""A transaction has at most 900 bytes of JSON, spaces aside."""

_SCHEMA = {
    "type": "object",
    "properties": {
        "transactions": {
            "type": "array",
            "items": {
                "description": "A transaction as POST /v1/transactions takes it; any other value "
                "is answered with a problem of its own"
            },
            "minItems": 1,
            "maxItems": MOST_TRANSACTIONS,
        }
    },
    "required": ["transactions"],
    "additionalProperties": False,
}
_BODY = {"requestBody": {"required": True, "content": {JSON: {"schema": _SCHEMA}}}}


def router(services: Services) -> APIRouter:
    """/v1/intake."""
    ledger = services.ledger
    intake = Intake(ledger.database, ledger.policy, ledger.clock, services.rates.count)
    return batch_routes(Accepting(ledger.database, intake), services.rates)


def batch_routes(accepting: Accepting, rates: Rates) -> APIRouter:
    """The same, on an intake that is there already and counts by the same `rates`."""
    routes = json_routes()

    @routes.post(
        PATH,
        status_code=202,
        openapi_extra=_BODY,
        dependencies=[Depends(reads_json)],
        **answers(IntakeAnswer, 400, 415, 507, status=202),
    )
    async def post_transactions(request: Request, domain: Number = None) -> Json:
        """Submit up to 256 signed transactions, in order.

        Accepted ones are durable and wait to be executed; ask for each by its id. Repeating any of
        them is safe. What is refused is refused alone.
        """
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise Malformed("the body is not JSON") from error
        listed = _listed(given)
        checked = await run_in_threadpool(_checked, accepting.intake, rates, listed, domain)
        offered = [one for one in checked if isinstance(one, Offered)]
        outcomes = await accepting.accept(offered)
        refusals = iter(outcomes)
        return {
            "results": [
                _answer(one, next(refusals)) if isinstance(one, Offered) else {"problem": one}
                for one in checked
            ]
        }

    return routes


def _listed(given: object) -> list[object]:
    if not isinstance(given, dict) or list(given) != ["transactions"]:
        raise Malformed('the body is {"transactions": [...]}')
    listed = given["transactions"]
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_TRANSACTIONS:
        raise Malformed(f"transactions is not a list of 1 to {MOST_TRANSACTIONS}")
    return listed


def _checked(
    intake: Intake, rates: Rates, listed: list[object], domain: str | None
) -> list[Offered | Json]:
    given_domain = optional_number(domain)
    checked: list[Offered | Json] = []
    for one in listed:
        try:
            transaction = transaction_from_json(one)
            _check_share(intake, rates, transaction)
            checked.append(intake.check(transaction, given_domain))
        except (AdmissionError, ProtocolError, TooManyRequests) as error:
            checked.append(problem_of(error))
    return checked


def _check_share(intake: Intake, rates: Rates, transaction: Transaction) -> None:
    """Raises TooManyRequests; never for one that is here already."""
    try:
        rates.check(transaction)
    except TooManyRequests:
        if not intake.knows(transaction):
            raise


def _answer(one: Offered, refusal: Exception | None) -> Json:
    if refusal is not None:
        return {"problem": problem_of(refusal)}
    return {"id": one.id, "status": "accepted"}
