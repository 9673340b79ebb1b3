"""The HTTP API: transactions in, statuses, witnesses and batches out; every error is a problem.

Bodies are bounded before they are read, integers are decimal strings, and what a user sends is
decoded by the protocol's strict codec alone. Ref: RFC 9457; docs/protocol.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import structlog
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from protocol.codec import Json, to_int, transaction_from_json
from protocol.errors import Malformed, ProtocolError
from protocol.units import check_range
from sequencer.api.key_file import KeyFile
from sequencer.api.limits import BodyLimit
from sequencer.errors import NotFound, SequencerError
from sequencer.ledger import Ledger
from sequencer.problems import CONTENT_TYPE, problem_of
from sequencer.views import Views

MAX_BODY_BYTES = 16_384
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Info:
    """What does not change while the sequencer runs."""

    chain_id: int
    contract: str
    key_is_insecure: bool


_PROBLEM = {
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
_BLOB: dict[int | str, dict[str, object]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The blob"}
}
Root = Query("soft", description="soft, final, or a recent state root (0x... or decimal)")
Text = str | None


def _problem(problem: Json) -> JSONResponse:
    return JSONResponse(problem, status_code=problem["status"], media_type=CONTENT_TYPE)


def _optional(field: str, given: str | None) -> int | None:
    """An optional integer from a query: decimal, or hexadecimal with 0x."""
    if given is None:
        return None
    if given.startswith("0x"):
        try:
            return int(given[2:66], 16)
        except ValueError as error:
            raise Malformed(f"{field} = {given[:80]!r} is not a number") from error
    return to_int(field, given)


def create_app(
    ledger: Ledger,
    info: Info,
    health: Callable[[], Json] = lambda: {"status": "ok"},
    exit_key: KeyFile | None = None,
) -> FastAPI:
    """The application over a ledger. `health` adds what the daemon knows of itself; `exit_key` is
    the file with which users can leave without this sequencer, if it has it.
    """
    views = Views(ledger)
    app = FastAPI(
        title="Wattlane sequencer",
        version=version("wattlane"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        responses={"default": _PROBLEM},
    )
    app.add_middleware(BodyLimit, limit_bytes=MAX_BODY_BYTES)

    @app.exception_handler(ProtocolError)
    @app.exception_handler(SequencerError)
    async def on_known(_request: Request, error: Exception) -> JSONResponse:
        return _problem(problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return _problem(problem_of(Malformed(f"{place}: {first['msg']}")))

    @app.exception_handler(HTTPException)
    async def on_http(_request: Request, error: HTTPException) -> JSONResponse:
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

    @app.exception_handler(Exception)
    async def on_unknown(request: Request, error: Exception) -> JSONResponse:
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

    @app.get("/v1/health")
    def get_health() -> Json:
        """Whether the sequencer works, and what ails it."""
        return health()

    @app.get("/v1/info")
    def get_info() -> Json:
        """Which rollup this is, and what it asks of a transaction."""
        rollup, key = ledger.rollup, ledger.receipt_key.public
        return {
            "chain_id": str(info.chain_id),
            "contract": info.contract,
            "domain": str(rollup.domain),
            "operator_index": str(rollup.operator_index),
            "queue_slots": str(rollup.shape.queue_slots),
            "user_slots": str(rollup.shape.user_slots),
            "data_mode": str(ledger.sealing.data_mode),
            "proofs_per_batch": str(ledger.sealing.proofs_per_batch),
            "minimum_fee_ntok": str(ledger.policy.minimum_fee_ntok),
            "valid_at_least_s": str(ledger.policy.valid_at_least_s),
            "valid_at_most_s": str(ledger.policy.valid_at_most_s),
            "receipt_key": [str(key.x), str(key.y)],
            "version": version("wattlane"),
            "l1_time": str(ledger.book.position.l1_time),
            "key_is_insecure": info.key_is_insecure,
            "exodus_start": str(ledger.ending.exodus_start),
            "sunset": str(ledger.ending.sunset),
        }

    @app.get(
        "/v1/exit-key",
        response_class=Response,
        responses={
            200: {"description": "A .zkey file", "content": {"application/octet-stream": {}}},
            304: {"description": "If-None-Match names it: nothing has changed"},
        },
    )
    def get_exit_key(request: Request) -> Response:
        """The exit circuit's proving key, for every household to keep; its ETag is its SHA-256."""
        if exit_key is None:
            raise NotFound("the exit circuit's key")
        return exit_key.answer(request)

    @app.post("/v1/transactions", status_code=202, openapi_extra=_TRANSACTION)
    async def post_transaction(request: Request, domain: Text = None) -> Json:
        """Submit a signed transaction; repeating it is safe.

        `domain` (optional): the domain it was signed for, so that a wrong one is named as such.
        """
        given_domain = _optional("domain", domain)
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise Malformed("the body is not JSON") from error
        transaction = transaction_from_json(given)
        id_ = await run_in_threadpool(ledger.submit, transaction, given_domain)
        return await run_in_threadpool(views.transaction, id_)

    @app.get("/v1/transactions/{id_}")
    def get_transaction(id_: str) -> Json:
        """Where a transaction stands, with a signed receipt."""
        return views.transaction(id_)

    @app.get("/v1/accounts")
    def get_accounts(key_hash: Text = None, l1_address: Text = None) -> list[Json]:
        """Accounts of a key or an L1 address, in the soft state."""
        return views.accounts(_optional("key_hash", key_hash), _optional("l1_address", l1_address))

    @app.get("/v1/accounts/{index}")
    def get_account(index: str, root: str = Root) -> Json:
        """An account with its Merkle witness in a recent root."""
        return views.account(to_int("index", index), root)

    @app.get("/v1/channels")
    def get_channels(
        account: Text = None,
        channel_id: Text = None,
        status: Text = None,
        from_slot: str = "0",
    ) -> list[Json]:
        """Channels in the soft state: of an account, with an id, or of a status (open, closing).

        In the order of their slots, at most 1,000; `from_slot` asks for more.
        """
        return views.channels(
            _optional("account", account),
            _optional("channel_id", channel_id),
            status,
            to_int("from_slot", from_slot),
        )

    @app.get("/v1/channels/{slot}")
    def get_channel(slot: str, root: str = Root) -> Json:
        """A channel with its Merkle witness in a recent root."""
        return views.channel(to_int("slot", slot), root)

    @app.get("/v1/batches")
    def get_batches(after: str = "0") -> list[Json]:
        """Batches with a higher number, in order, at most 100."""
        return views.batches(_row_number("after", after))

    @app.get("/v1/batches/{number}")
    def get_batch(number: str) -> Json:
        """A batch with its proof, roots and L1 transaction."""
        return views.batch(_row_number("number", number))

    @app.get("/v1/batches/{number}/blob", response_class=Response, responses=_BLOB)
    def get_blob(number: str, versioned_hash: Text = None) -> Response:
        """The blob that holds a batch's data, 131,072 bytes: check it against its hash on L1.

        `versioned_hash` (optional, 0x...): that one exactly, where a batch was sealed anew.
        """
        named = None if versioned_hash is None else _hash("versioned_hash", versioned_hash)
        blob = views.blob(_row_number("number", number), named)
        return Response(blob, media_type="application/octet-stream")

    @app.get("/v1/state")
    def get_state() -> Json:
        """Roots, L1 position, queue and mempool."""
        return views.state()

    @app.get("/v1/queue/{number}")
    def get_queue_op(number: str) -> Json:
        """Where an L1 queue op stands."""
        return views.queue_op(_row_number("number", number))

    @app.get("/v1/events")
    def get_events(after: str = "0") -> list[Json]:
        """What happened after an event, in order, at most 500."""
        return views.events(_row_number("after", after))

    return app


def _hash(field: str, given: str) -> bytes:
    """32 bytes in hexadecimal. Raises Malformed."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", given):
        raise Malformed(f"{field} = {given[:80]!r} is not 0x and 64 hexadecimal digits")
    return bytes.fromhex(given[2:])


def _row_number(field: str, given: str) -> int:
    """A number that a database row can have."""
    return check_range(field, to_int(field, given), 63)
