"""How much one address may ask of a market, and how many documents one member or meter may bring.

An address is what the connection says, or what a proxy on this machine says of it. A member's share
is used by its own documents alone, once they are taken: nobody can use up another's. Health is
never counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from contracts.buckets import Buckets, Rate
from contracts.client_names import whose
from energy.canonical import decode
from energy.errors import TooManyRequests
from energy.market.market import MOST_DOCUMENT_BYTES
from energy.signed import decode_signed

UNLIMITED = Rate(0.0, 0)
_UNCOUNTED = "/v1/health"


@dataclass(frozen=True, slots=True)
class Rates:
    """What one address may ask, and what one member or meter may bring."""

    address: Rate = UNLIMITED
    member: Rate = UNLIMITED


NO_LIMITS = Rates()
STREET = Rates(Rate(50.0, 2_000), Rate(5.0, 2_000))
"""A street behind one address, whose agents ask every two seconds; and a home that was off for a
week, with a reading each five minutes, bringing all of them at once."""


class Shares:
    """The shares of members, or of addresses."""

    def __init__(self, rate: Rate) -> None:
        self._buckets = Buckets(rate)

    def check(self, party: str) -> None:
        """Whether a share is left. Raises TooManyRequests."""
        _refuse(party, self._buckets.wait_s(party))

    def take(self, party: str) -> None:
        """Use some of it. Raises TooManyRequests."""
        _refuse(party, self._buckets.take(party))


def party_of(document: bytes) -> str:
    """Whose document it says it is: an account's, a meter's, or another key's. Raises BadDocument.

    Nothing is verified here.
    """
    fields = decode(document, "document", MOST_DOCUMENT_BYTES)
    key = ""
    if isinstance(fields, Mapping) and fields.get("type") == "signed":
        signed = decode_signed(document)
        key = f"key 0x{signed.signature.key.x:064x}"
        fields = decode(signed.document, "document", MOST_DOCUMENT_BYTES)
    if isinstance(fields, Mapping):
        account, meter = fields.get("account"), fields.get("meter")
        if type(account) is int:
            return f"account {account}"
        if isinstance(meter, str):
            return f"meter {meter[:80]}"
    return key or "a document that names nobody"


class AddressRate:
    """ASGI middleware: `answer`s for an address that has used up its share."""

    def __init__(
        self, app: ASGIApp, rate: Rate, answer: Callable[[TooManyRequests], ASGIApp]
    ) -> None:
        self._app, self._shares, self._answer = app, Shares(rate), answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a request, or answer for the application."""
        if scope["type"] == "http" and scope["path"] != _UNCOUNTED:
            try:
                self._shares.take(f"address {whose(scope.get('client'))}")
            except TooManyRequests as error:
                await self._answer(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refuse(party: str, wait_s: float) -> None:
    if wait_s > 0:
        raise TooManyRequests(party, math.ceil(wait_s))
