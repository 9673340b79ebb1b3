"""What a household wants, stated once and signed by its account's key, and its withdrawal.

An order stands from the first interval that begins when it has been taken, in every interval of its
window, until it is over, changed or cancelled. Its limit is all that a kWh may cost, or must bring,
with the fees: they are taken off before bids are cleared. Each document of an account has a number,
one more than the one before, so none can be given again.
"""

from __future__ import annotations

from dataclasses import dataclass

from energy.canonical import Value, decode, encode
from energy.community.rules import Side
from energy.errors import BadDocument
from energy.fields import MOST_WHOLE, Fields
from protocol.units import INDEX_BITS, LANE_WH_BITS, NONCE_BITS

MOST_LIMIT = (1 << 32) - 1
"""The highest limit, utok per kWh: with the most energy of a lane it fits the ledger's widths."""
MOST_PREFERRED = 16
DAY_MINUTES = 24 * 60
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Order:
    """Account `account` sells or buys. Raises BadDocument.

    `number`: from 1, counted over its orders and cancels. `limit_utok_per_kwh`: lowest selling or
    highest buying price, fees included; None: as the grid pays or takes. `energy_wh`: the most in
    any one interval, 0 for all that it has or needs. It stands in intervals that begin from
    `from_ms` up to `until_ms` (Unix ms, UTC) and, by the community's clock, from minute
    `day_from` up to `day_until` of a day; over midnight where `day_until` is not the larger one.
    `preferred`: accounts that it would rather deal with, the first most. `green_only`: it buys
    from green sellers alone. `budget_ntok`: the most that its account spends on a local day for
    this order to buy more, 0 for no budget. `replaces`: digest of the order that it changes.
    """

    account: int
    number: int
    side: Side
    limit_utok_per_kwh: int | None
    energy_wh: int
    from_ms: int
    until_ms: int
    day_from: int = 0
    day_until: int = DAY_MINUTES
    preferred: tuple[int, ...] = ()
    green_only: bool = False
    budget_ntok: int = 0
    replaces: bytes = b""

    def __post_init__(self) -> None:
        _check_sender(self.account, self.number, "order")
        if self.limit_utok_per_kwh is not None:
            _in_range("limit_utok_per_kwh", self.limit_utok_per_kwh, 0, MOST_LIMIT)
        _in_range("energy_wh", self.energy_wh, 0, (1 << LANE_WH_BITS) - 1)
        _in_range("from_ms", self.from_ms, 0, MOST_WHOLE)
        _in_range("until_ms", self.until_ms, self.from_ms + 1, MOST_WHOLE)
        _in_range("day_from", self.day_from, 0, DAY_MINUTES - 1)
        _in_range("day_until", self.day_until, 1, DAY_MINUTES)
        _in_range("budget_ntok", self.budget_ntok, 0, MOST_WHOLE)
        if len(self.preferred) > MOST_PREFERRED:
            raise BadDocument("order", f"it prefers more than {MOST_PREFERRED} neighbours")
        for account in self.preferred:
            _in_range("preferred", account, 0, (1 << INDEX_BITS) - 1)
        if len({self.account, *self.preferred}) != 1 + len(self.preferred):
            raise BadDocument("order", "it prefers a neighbour twice, or its own account")
        if self.side is Side.SELL and (self.green_only or self.budget_ntok):
            raise BadDocument("order", "green only and a budget are for buyers")
        if len(self.replaces) not in (0, DIGEST_BYTES):
            raise BadDocument("order", f"replaces is no digest of {DIGEST_BYTES} bytes")

    def stands_at(self, start_ms: int, minute_of_day: int) -> bool:
        """Whether an interval that begins then is in its window. The minute is a local one."""
        if not self.from_ms <= start_ms < self.until_ms:
            return False
        if self.day_from < self.day_until:
            return self.day_from <= minute_of_day < self.day_until
        return minute_of_day >= self.day_from or minute_of_day < self.day_until


@dataclass(frozen=True, slots=True)
class Cancel:
    """Account `account` withdraws its order of this digest. Raises BadDocument."""

    account: int
    number: int
    order: bytes

    def __post_init__(self) -> None:
        _check_sender(self.account, self.number, "cancel")
        if len(self.order) != DIGEST_BYTES:
            raise BadDocument("cancel", f"order is no digest of {DIGEST_BYTES} bytes")


def encode_order(order: Order) -> bytes:
    """The canonical bytes that are signed; their digest names the order."""
    fields: dict[str, Value] = {
        "type": "order",
        "account": order.account,
        "number": order.number,
        "side": order.side.value,
        "energy_wh": order.energy_wh,
        "from_ms": order.from_ms,
        "until_ms": order.until_ms,
        "day_from": order.day_from,
        "day_until": order.day_until,
        "preferred": list(order.preferred),
        "green_only": order.green_only,
        "budget_ntok": order.budget_ntok,
        "replaces": order.replaces,
    }
    if order.limit_utok_per_kwh is not None:
        fields["limit_utok_per_kwh"] = order.limit_utok_per_kwh
    return encode(fields)


def decode_order(encoded: bytes) -> Order:
    """An order from its canonical bytes. Raises BadDocument."""
    fields = Fields(decode(encoded, "order"), "order")
    fields.of_type("order")
    has_limit = fields.has("limit_utok_per_kwh")
    order = Order(
        account=fields.whole("account"),
        number=fields.whole("number"),
        side=fields.one_of("side", Side),
        limit_utok_per_kwh=fields.whole("limit_utok_per_kwh") if has_limit else None,
        energy_wh=fields.whole("energy_wh"),
        from_ms=fields.whole("from_ms"),
        until_ms=fields.whole("until_ms"),
        day_from=fields.whole("day_from"),
        day_until=fields.whole("day_until"),
        preferred=_accounts(fields.items("preferred", MOST_PREFERRED)),
        green_only=fields.flag("green_only"),
        budget_ntok=fields.whole("budget_ntok"),
        replaces=fields.octets("replaces"),
    )
    fields.end()
    return order


def encode_cancel(cancel: Cancel) -> bytes:
    """The canonical bytes that are signed."""
    return encode(
        {
            "type": "cancel",
            "account": cancel.account,
            "number": cancel.number,
            "order": cancel.order,
        }
    )


def decode_cancel(encoded: bytes) -> Cancel:
    """A cancel from its canonical bytes. Raises BadDocument."""
    fields = Fields(decode(encoded, "cancel"), "cancel")
    fields.of_type("cancel")
    cancel = Cancel(fields.whole("account"), fields.whole("number"), fields.octets("order"))
    fields.end()
    return cancel


def _accounts(given: tuple[Value, ...]) -> tuple[int, ...]:
    accounts = tuple(one for one in given if type(one) is int)
    if len(accounts) != len(given):
        raise BadDocument("order", "preferred is no list of account numbers")
    return accounts


def _check_sender(account: int, number: int, what: str) -> None:
    _in_range("account", account, 0, (1 << INDEX_BITS) - 1, what)
    _in_range("number", number, 1, (1 << NONCE_BITS) - 1, what)


def _in_range(name: str, given: int, least: int, most: int, what: str = "order") -> None:
    if not least <= given <= most:
        raise BadDocument(what, f"{name} is {given}, not from {least} to {most}")
