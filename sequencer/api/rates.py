"""How much one client address, and one account, may ask of this process.

An address is what the connection says, or what a proxy says that the settings trust; an IPv6
household has a /64. An account's share is used by its own transactions alone, once they are taken:
nobody can use up another's.
"""

from __future__ import annotations

import math

from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.buckets import Buckets, Rate
from contracts.client_names import name_of
from protocol.transactions import Transaction
from sequencer.admission import party_of
from sequencer.api.problems_http import problem_response
from sequencer.errors import TooManyRequests

UNLIMITED = Rate(0.0, 0)
_UNCOUNTED = "/v1/health"


class Rates:
    """The shares of addresses and of accounts, in one process. Thread-safe."""

    def __init__(self, address: Rate = UNLIMITED, account: Rate = UNLIMITED) -> None:
        self.addresses, self._accounts = Buckets(address), Buckets(account)

    def check(self, transaction: Transaction) -> None:
        """Whether its account has a share left. Raises TooManyRequests."""
        party = party_of(transaction)
        _refuse(party, self._accounts.wait_s(party))

    def count(self, transaction: Transaction) -> None:
        """A transaction that was not here before has been taken."""
        self._accounts.take(party_of(transaction))


def _refuse(whose: str, wait_s: float) -> None:
    if wait_s > 0:
        raise TooManyRequests(whose, math.ceil(wait_s))


class AddressRate:
    """ASGI middleware: 429 for an address that has used up its share. Health is never counted."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app, self._rates = app, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request, or answer for the application."""
        client = scope.get("client")
        if client is not None and not scope["path"].startswith(_UNCOUNTED):
            name = name_of(client[0])
            try:
                _refuse(f"address {name}", self._rates.addresses.take(name))
            except TooManyRequests as error:
                await problem_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
