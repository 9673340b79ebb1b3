"""A market over HTTP: documents in, its journal and what follows from it out; failures have names.

Nothing here is believed: whoever pays by it keeps a copy of the journal and computes it again
(energy/market/follower.py).
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from channels.service_client import ServiceClient, problem_in
from energy.errors import MarketRefused, MarketUnreachable
from energy.market.entries import Entry
from energy.market.models import (
    AccountRow,
    Book,
    CommunityRow,
    Dues,
    Health,
    IntervalRow,
    JournalPage,
    MarketInfo,
    OrderRow,
    PriceRow,
    Taken,
)

MOST_ANSWER_BYTES = 1 << 26
"""A page with the largest community, as hexadecimal, is a quarter of it."""
DOCUMENT = "application/cbor"

_M = TypeVar("_M", bound=BaseModel)
_T = TypeVar("_T")
_ORDERS = TypeAdapter(list[OrderRow])
_PRICES = TypeAdapter(list[PriceRow])


class MarketClient(ServiceClient):
    """A connection to one market. Use as an async context manager, or call `close`.

    Every method raises MarketUnreachable and MarketRefused.
    """

    unreachable = MarketUnreachable
    most_wait_s = 5

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 10.0,
        attempts: int = 4,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, timeout_s=timeout_s, attempts=attempts, transport=transport)

    async def health(self) -> Health:
        """Whether it works."""
        return await self._get(Health, "/v1/health")

    async def info(self) -> MarketInfo:
        """Which market it is."""
        return await self._get(MarketInfo, "/v1/info")

    async def submit(self, document: bytes) -> Taken:
        """Hand in a signed document: it is on the market's disk on return. Repeating it is safe."""
        kind = {"Content-Type": DOCUMENT}
        response = await self._request("POST", "/v1/documents", {}, content=document, headers=kind)
        return self._read(Taken, self._answer(response))

    async def journal(self, after: int = 0, limit: int | None = None) -> JournalPage:
        """Entries of the journal after a number, at most `limit`, unchecked."""
        query = {"after": str(after)} | ({} if limit is None else {"limit": str(limit)})
        return await self._get(JournalPage, "/v1/journal", **query)

    async def community(self) -> CommunityRow:
        """The community as it is now."""
        return await self._get(CommunityRow, "/v1/community")

    async def book(self, at_ms: int | None = None) -> Book:
        """The orders that stand at a time, or now."""
        return await self._get(Book, "/v1/book", **({} if at_ms is None else {"at_ms": str(at_ms)}))

    async def orders(self, account: int) -> list[OrderRow]:
        """All orders that an account has ever placed, the newest first."""
        return self._parse(_ORDERS, await self._ask("/v1/orders", account=str(account)))

    async def account(self, account: int) -> AccountRow:
        """Where an account stands: which numbers its next documents must have."""
        return await self._get(AccountRow, f"/v1/accounts/{account}")

    async def prices(self, day: date) -> list[PriceRow]:
        """The intervals of a local day of the community, with their prices."""
        return self._parse(_PRICES, await self._ask("/v1/prices", day=day.isoformat()))

    async def interval(self, start_ms: int) -> IntervalRow:
        """An interval's clearing and settlements."""
        return await self._get(IntervalRow, f"/v1/intervals/{start_ms}")

    async def running(self) -> IntervalRow:
        """The interval under way, cleared as if it ended now."""
        return await self._get(IntervalRow, "/v1/running")

    async def dues(self, account: int) -> Dues:
        """What an account owes and is owed."""
        return await self._get(Dues, "/v1/dues", account=str(account))

    async def _get(self, kind: type[_M], path: str, **query: str) -> _M:
        return self._read(kind, await self._ask(path, **query))

    async def _ask(self, path: str, **query: str) -> Any:
        return self._answer(await self._request("GET", path, query))

    def _answer(self, response: httpx.Response) -> Any:
        if len(response.content) > MOST_ANSWER_BYTES:
            raise MarketUnreachable(self.url, "its answer is too long")
        try:
            document = response.json()
        except (ValueError, RecursionError):
            reason = f"status {response.status_code}, not JSON: is this a market's address?"
            raise MarketUnreachable(self.url, reason) from None
        if response.is_success:
            return document
        raise MarketRefused(response.status_code, *problem_in(document))

    def _read(self, kind: type[_M], answer: Any) -> _M:
        return self._parse(TypeAdapter(kind), answer)

    def _parse(self, adapter: TypeAdapter[_T], answer: Any) -> _T:
        try:
            return adapter.validate_python(answer)
        except ValidationError as error:
            first = error.errors()[0]
            reason = f"a senseless answer: {first['loc']}: {first['msg']}"
            raise MarketUnreachable(self.url, reason[:300]) from error


def entries_of(page: JournalPage) -> list[Entry]:
    """The page's entries, unchecked."""
    return [
        Entry(one.seq, one.time_ms, one.document, one.chain, one.signature) for one in page.entries
    ]
