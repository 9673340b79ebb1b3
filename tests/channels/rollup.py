"""A rollup for the tests of nodes: the real rules in one process, no proofs, and an L1 to match.

It speaks the sequencer's HTTP interface, executes with protocol/, and calls a root final when the
test says `seal`. Its L1 (tests/channels/fake_l1.py) is a number of seconds, the sealed root, and a
queue of forced ops, which `consume` puts into the state. Nothing shipped imports it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from protocol.accounts import Account
from protocol.channels import Status
from protocol.codec import (
    account_inclusion_to_json,
    account_to_json,
    channel_inclusion_to_json,
    channel_to_json,
    transaction_from_json,
    transaction_id,
)
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.execute import execute
from protocol.execute_queue import execute_queue_op
from protocol.flows import FlowReport, report_from_json
from protocol.inclusion import prove_account, prove_channel
from protocol.state import State
from protocol.trace import Context
from protocol.transactions import Transaction
from sequencer.api.routes.relay import Relay
from sequencer.keystore import OperatorKeys
from sequencer.receipts import Receipt
from tests.channels.fake_l1 import DOMAIN, OPERATOR, FakeQueue, RollupL1

__all__ = ["DOMAIN", "FEE_NTOK", "START_TIME", "Rollup", "RollupL1", "serving"]


KEYS = OperatorKeys(OPERATOR)
START_TIME = 2_000_000_000
FEE_NTOK = 10


class Rollup:
    """Soft state, final state, and the ways in which a test can make it misbehave."""

    def __init__(self) -> None:
        self.soft = State()
        self.final = State()
        self.proved = State()
        self.states: dict[int, State] = {}
        self.time = START_TIME
        self.final_time = START_TIME
        self.block = 1
        self.statuses: dict[str, str] = {}
        self.receipts: dict[str, Any] = {}
        self.log: list[Transaction] = []
        self.seals_itself = True
        self.is_down = False
        self.l1_is_down = False
        self.fee_ntok = FEE_NTOK
        self.lie_about_deposits = False
        self.censored: set[str] = set()
        """Types of transactions that the sequencer says yes to and forgets."""
        self.queue = FakeQueue()
        self.flow_reports: list[tuple[FlowReport, Signature]] = []
        self.url = ""
        self.relay: Relay | None = None
        """Carries frames between homes; set it before it is served."""
        self.seal()

    def add_account(self, index: int, key_hash: int, l1_address: int, balance_ntok: int) -> None:
        """An account out of nothing."""
        self.soft.write_account(index, Account(key_hash, l1_address, 0, balance_ntok, 0, 0))
        self.seal()

    def seal(self) -> None:
        """All that is soft becomes final, in a new L1 block."""
        self.prove()
        self.final = self.proved
        self.block += 1
        self.final_time = self.time
        for name, status in self.statuses.items():
            if status == "soft":
                self.statuses[name] = "final"

    def prove(self) -> None:
        """A batch with all that is soft has its proofs."""
        self.proved = self.soft.copy()
        self.states[self.proved.root] = self.proved

    def advance(self, seconds: int) -> None:
        """Move L1's time, with a new final block."""
        self.time += seconds
        self.seal()

    def consume(self) -> None:
        """A batch with all ops of the queue, sealed."""
        for op in self.queue.waiting:
            execute_queue_op(self.soft, Context(DOMAIN, self.time, self.time), op)
        self.queue.processed = len(self.queue.ops)
        self.seal()

    def submit(self, transaction: Transaction) -> str:
        """Execute on the soft state. Raises ProtocolError."""
        name = transaction_id(transaction)
        if transaction.body.TYPE.name in self.censored:
            self.statuses.setdefault(name, "accepted")
        elif self.statuses.get(name, "accepted") == "accepted":
            execute(self.soft, Context(DOMAIN, self.time, self.time), transaction)
            self.statuses[name] = "soft"
            self.log.append(transaction)
            if self.seals_itself:
                self.seal()
        return name

    # --- HTTP -----------------------------------------------------------------------------------

    def _state(self, request: Request) -> State:
        root = request.query_params.get("root", "soft")
        if root in ("soft", "final"):
            return self.soft if root == "soft" else self.final
        return self.states[int(root, 16)]

    async def _info(self, _: Request) -> Response:
        return JSONResponse(
            {
                "chain_id": "1",
                "contract": "0x" + "11" * 20,
                "domain": str(DOMAIN),
                "minimum_fee_ntok": str(self.fee_ntok),
                "receipt_key": [str(KEYS.receipt_key.public.x), str(KEYS.receipt_key.public.y)],
                "receipt_endorsement": KEYS.endorsement(DOMAIN),
            }
        )

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "ailments": {}})

    async def _newest(self, _: Request) -> Response:
        return JSONResponse({"proved_root": str(self.proved.root)})

    async def _flows(self, request: Request) -> Response:
        self.flow_reports.append(report_from_json(await request.json()))
        return JSONResponse({"taken": "1"}, 202)

    async def _post(self, request: Request) -> Response:
        try:
            name = self.submit(transaction_from_json(await request.json()))
        except ProtocolError as error:
            problem = {"code": type(error).__name__, "detail": str(error), "status": 409}
            return JSONResponse(problem, 409)
        status = self.statuses[name]
        receipt = None if status == "accepted" else self._receipt(name)
        return JSONResponse({"id": name, "status": status, "receipt": receipt}, 202)

    def _receipt(self, name: str) -> Any:
        """Signed once: what was promised, whatever became of it since."""
        if name not in self.receipts:
            promised = Receipt(name, "soft", 1, 0, 0, self.time + 3_600)
            self.receipts[name] = KEYS.receipt_key.sign(DOMAIN, promised)
        return self.receipts[name]

    async def _transaction(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.statuses:
            return JSONResponse({"code": "NotFound", "detail": name}, 404)
        status = self.statuses[name]
        error = {"code": "WrongNonce", "detail": "too late"} if status == "rejected" else None
        return JSONResponse({"id": name, "status": status, "error": error})

    async def _account(self, request: Request) -> Response:
        state, index = self._state(request), int(request.path_params["index"])
        found = account_inclusion_to_json(prove_account(state, index))
        return JSONResponse({"root": str(state.root), "inclusion": found})

    async def _accounts(self, request: Request) -> Response:
        key_hash = int(request.query_params["key_hash"], 16)
        return JSONResponse(
            [
                {"index": str(index), "account": account_to_json(one)}
                for index, one in self.soft.accounts.items()
                if one.key_hash == key_hash
            ]
        )

    async def _channel(self, request: Request) -> Response:
        state, slot = self._state(request), int(request.path_params["slot"])
        found: dict[str, Any] = channel_inclusion_to_json(prove_channel(state, slot))
        if self.lie_about_deposits and found["channel"]:
            found["channel"]["deposit_a_ntok"] += "0"
        return JSONResponse({"root": str(state.root), "inclusion": found})

    async def _channels(self, request: Request) -> Response:
        account = request.query_params.get("account")
        return JSONResponse(
            [
                {"slot": str(slot), "channel": channel_to_json(one), "channel_id": str(one.id)}
                for slot, one in self.soft.channels.items()
                if (one.status is Status.CLOSING if account is None else True)
                and (account is None or int(account) in (one.a_index, one.b_index))
            ]
        )

    async def _l1(self, _: Request) -> Response:
        return JSONResponse(
            {
                "down": self.l1_is_down,
                "number": self.block,
                "timestamp": self.final_time,
                "root": str(self.final.root),
                "head_time": self.time,
                "queue": self.queue.to_json(),
            }
        )

    async def _l1_state(self, _: Request) -> Response:
        accounts = {str(index): account_to_json(one) for index, one in self.final.accounts.items()}
        channels = {str(slot): channel_to_json(one) for slot, one in self.final.channels.items()}
        return JSONResponse({"accounts": accounts, "channels": channels})

    async def _l1_send(self, request: Request) -> Response:
        return JSONResponse(self.queue.send(await request.json(), self.time))

    def app(self) -> Starlette:
        """The HTTP application."""

        async def gate(scope: Any, receive: Any, send: Any) -> None:
            if self.is_down and scope["type"] == "http" and scope["path"].startswith("/v1"):
                await JSONResponse({}, 503)(scope, receive, send)
            else:
                await inner(scope, receive, send)

        relay: list[BaseRoute] = []
        if self.relay is not None:
            relay.append(WebSocketRoute("/v1/relay", self.relay.serve))
        inner = Starlette(
            routes=[
                *relay,
                Route("/v1/info", self._info),
                Route("/v1/health", self._health),
                Route("/v1/state", self._newest),
                Route("/v1/flows", self._flows, methods=["POST"]),
                Route("/v1/transactions", self._post, methods=["POST"]),
                Route("/v1/transactions/{name}", self._transaction),
                Route("/v1/accounts", self._accounts),
                Route("/v1/accounts/{index}", self._account),
                Route("/v1/channels", self._channels),
                Route("/v1/channels/{slot}", self._channel),
                Route("/l1", self._l1),
                Route("/l1/state", self._l1_state),
                Route("/l1/send", self._l1_send, methods=["POST"]),
            ]
        )
        outer = Starlette()
        outer.mount("/", gate)
        return outer


@asynccontextmanager
async def serving(rollup: Rollup) -> AsyncIterator[Rollup]:
    """Serve it on a free loopback port; `rollup.url` tells which."""
    config = uvicorn.Config(
        rollup.app(),
        "127.0.0.1",
        0,
        log_level="error",
        lifespan="off",
        timeout_keep_alive=60,  # never just as a client asks again
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    rollup.url = f"http://127.0.0.1:{port}"
    try:
        yield rollup
    finally:
        server.should_exit = True
        await task
