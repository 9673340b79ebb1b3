"""The sequencer over HTTP: typed answers, typed errors, and nothing believed that can be proven.

An inclusion comes back as what it is, a claim; whoever uses it compares its `state_root()` with
one from L1. Reads and submissions are repeated with backoff: a transaction's id makes that safe.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import httpx

from channels.errors import SequencerGarbage, SequencerRefused, SequencerUnreachable
from channels.service_client import SERVER_FAILS, ServiceClient, problem_in
from protocol.accounts import Account
from protocol.channels import Channel
from protocol.codec import (
    account_from_json,
    account_inclusion_from_json,
    channel_from_json,
    channel_inclusion_from_json,
    point_from_json,
    to_int,
    transaction_to_json,
)
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.flows import FlowReport, report_to_json
from protocol.inclusion import AccountInclusion, ChannelInclusion
from protocol.transactions import Transaction
from protocol.units import INDEX_BITS

T = TypeVar("T")
MAX_ANSWER_BYTES = 4_000_000
MAX_KEY_BYTES = 64_000_000
_KEY_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Info:
    """Which rollup the sequencer says it serves, the fee it asks, and the key under its receipts
    with the operator's signature under that.
    """

    chain_id: int
    contract: str
    domain: int
    minimum_fee_ntok: int
    receipt_key: Point | None = None
    endorsement: str = ""


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """accepted, soft, proved, final or rejected; `error_code` and `error_detail` if rejected.

    `receipt`: what the operator signed, as it came; nobody has looked at it.
    """

    transaction_id: str
    status: str
    slot: int | None
    error_code: str
    error_detail: str
    receipt: Any = None


class SequencerClient(ServiceClient):
    """A connection to one sequencer. Use as an async context manager, or call `close`.

    Every method raises SequencerUnreachable, SequencerRefused and SequencerGarbage.
    """

    unreachable = SequencerUnreachable

    def __init__(self, url: str, *, timeout_s: float = 5.0, attempts: int = 4) -> None:
        super().__init__(url, timeout_s=timeout_s, attempts=attempts)

    async def info(self) -> Info:
        """Which rollup, and what it asks."""
        answer = await self._get("/v1/info")
        return self._parse(
            lambda: Info(
                to_int("chain_id", answer["chain_id"]),
                str(answer["contract"]),
                to_int("domain", answer["domain"]),
                to_int("minimum_fee_ntok", answer["minimum_fee_ntok"]),
                point_from_json("receipt_key", answer["receipt_key"])
                if "receipt_key" in answer
                else None,
                str(answer.get("receipt_endorsement", "")),
            )
        )

    async def submit(self, transaction: Transaction) -> TransactionStatus:
        """Hand in a transaction; repeating it is safe. SequencerRefused names what is wrong."""
        return self._status(await self._post("/v1/transactions", transaction_to_json(transaction)))

    async def report_flows(self, report: FlowReport, signature: Signature) -> None:
        """Hand in a flow report, for pictures."""
        await self._post("/v1/flows", report_to_json(report, signature))

    async def transaction(self, transaction_id: str) -> TransactionStatus:
        """Where a transaction stands."""
        return self._status(await self._get(f"/v1/transactions/{transaction_id}"))

    async def account(self, index: int, root: int | str) -> AccountInclusion:
        """An account in the root "soft", "final" or one given as a number. Verify it."""
        answer = await self._get(f"/v1/accounts/{index}", root=_root_text(root))
        return self._parse(lambda: account_inclusion_from_json(answer["inclusion"]))

    async def accounts_of(self, key_hash: int) -> list[tuple[int, Account]]:
        """Soft accounts with this key hash."""
        return await self._rows("/v1/accounts", _account_in, key_hash=f"{key_hash:#x}")

    async def channel(self, slot: int, root: int | str) -> ChannelInclusion:
        """A channel slot in the root "soft", "final" or one given as a number. Verify it."""
        answer = await self._get(f"/v1/channels/{slot}", root=_root_text(root))
        return self._parse(lambda: channel_inclusion_from_json(answer["inclusion"]))

    async def channels_of(self, account_index: int) -> list[tuple[int, Channel]]:
        """Soft channels of an account with their slots."""
        return await self._rows("/v1/channels", _channel_in, account=str(account_index))

    async def proved_root(self) -> int:
        """The root of the newest batch that has all its proofs, it says."""
        answer = await self._get("/v1/state")
        return self._parse(lambda: to_int("proved_root", answer["proved_root"]))

    async def closing_channels(self) -> list[tuple[int, Channel]]:
        """Every channel that is closing in the soft state, with its slot; page by page."""
        return await self._rows("/v1/channels", _channel_in, status="closing")

    async def _rows(
        self, path: str, read: Callable[[Any], tuple[int, T]], **query: str
    ) -> list[tuple[int, T]]:
        """The rows of a list by their places, over all its pages. A page that does not go forward
        ends it.
        """
        found: dict[int, T] = {}
        while True:
            response = await self._request("GET", path, query)
            answer, highest = self._answer(response), max(found, default=-1)
            found.update(self._parse(partial(_each, read, answer)))
            cursor = _next_cursor(response)
            if cursor is None or not highest < max(found, default=-1) < 1 << INDEX_BITS:
                return list(found.items())
            query["cursor"] = cursor

    async def exit_key(self) -> bytes:
        """The file of the exit circuit's key, at most MAX_KEY_BYTES, whole: it has the SHA-256 that
        its ETag says. Whose key it is, is not looked at. Tried once.
        """
        try:
            async with self._http.stream("GET", "/v1/exit-key", timeout=_KEY_TIMEOUT_S) as response:
                content = bytearray()
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > MAX_KEY_BYTES:
                        raise SequencerGarbage(str(response.url), "a key of more than 64 MB")
        except httpx.HTTPError as error:
            raise SequencerUnreachable(self.url, f"{type(error).__name__}: {error}") from error
        if response.status_code >= SERVER_FAILS:
            raise SequencerUnreachable(self.url, f"status {response.status_code}")
        if not response.is_success:
            problem = bytes(content[: MAX_ANSWER_BYTES + 1])
            self._answer(
                httpx.Response(response.status_code, content=problem, request=response.request)
            )
        found = hashlib.sha256(content).hexdigest()
        if response.headers.get("etag") != f'"{found}"':
            raise SequencerGarbage(str(response.url), "a key that is not what its ETag says")
        return bytes(content)

    async def _get(self, path: str, **query: str) -> Any:
        return self._answer(await self._request("GET", path, query))

    async def _post(self, path: str, body: object) -> Any:
        return self._answer(await self._request("POST", path, {}, json=body))

    def _answer(self, response: httpx.Response) -> Any:
        if len(response.content) > MAX_ANSWER_BYTES:
            raise SequencerGarbage(str(response.url), "an answer of more than 4 MB")
        try:
            document = response.json()
        except (ValueError, RecursionError):
            raise SequencerGarbage(
                str(response.url), f"status {response.status_code}, not JSON"
            ) from None
        if response.is_success:
            return document
        if not isinstance(document, dict):
            raise SequencerGarbage(str(response.url), f"status {response.status_code}, no problem")
        raise SequencerRefused(response.status_code, *problem_in(document))

    def _status(self, answer: Any) -> TransactionStatus:
        def read() -> TransactionStatus:
            error = answer["error"] if answer.get("error") else {}
            slot = answer.get("slot")
            return TransactionStatus(
                str(answer["id"]),
                str(answer["status"]),
                None if slot is None else to_int("slot", slot),
                str(error.get("code", "")),
                str(error.get("detail", "")),
                answer.get("receipt"),
            )

        return self._parse(read)

    def _parse(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (ProtocolError, KeyError, TypeError, AttributeError) as error:
            raise SequencerGarbage(self.url, f"{type(error).__name__}: {error}"[:300]) from error


def _root_text(root: int | str) -> str:
    return root if isinstance(root, str) else f"{root:#x}"


def _each(read: Callable[[Any], T], answer: Any) -> list[T]:
    return [read(one) for one in answer]


def _account_in(row: Any) -> tuple[int, Account]:
    return to_int("index", row["index"]), account_from_json(row["account"])


def _channel_in(row: Any) -> tuple[int, Channel]:
    return to_int("slot", row["slot"]), channel_from_json(row["channel"])


def _next_cursor(response: httpx.Response) -> str | None:
    """The cursor of the next page: that alone is taken of the link, never where it leads."""
    try:
        return httpx.URL(response.links["next"]["url"]).params["cursor"]
    except (KeyError, httpx.InvalidURL):
        return None
