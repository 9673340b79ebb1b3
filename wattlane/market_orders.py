"""Orders and cancels from what a household types, signed, and the book as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from energy.community.community import Community
from energy.community.document import decode_community
from energy.community.rules import Side
from energy.market.client import MarketClient
from energy.market.models import OrderRow, Taken
from energy.orders.order import DAY_MINUTES, Cancel, Order, encode_cancel, encode_order
from energy.signed import Signed, encode_signed, message
from wattlane.community_changes import member_of
from wattlane.errors import BadChoice
from wattlane.money import show_energy, show_tokens

if TYPE_CHECKING:
    from channels.wallet import Wallet

NTOK_PER_UTOK = 1_000
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a household wants; None and 0 as in an Order."""

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


async def place(url: str, wallet: Wallet, wish: Wish) -> tuple[Order, bytes, Taken]:
    """Sign an order and hand it in: what was signed, its name, and where it stands.

    Raises BadChoice, BadDocument, MarketUnreachable, MarketRefused.
    """
    async with MarketClient(url) as client:
        community = decode_community((await client.community()).document)
        account = member_of(community, wallet).account
        number = (await client.account(account)).next_order
        order = Order(
            account=account,
            number=number,
            side=wish.side,
            limit_utok_per_kwh=wish.limit_utok_per_kwh,
            energy_wh=wish.energy_wh,
            from_ms=wish.from_ms,
            until_ms=wish.until_ms,
            day_from=wish.day_from,
            day_until=wish.day_until,
            preferred=wish.preferred,
            green_only=wish.green_only,
            budget_ntok=wish.budget_ntok,
            replaces=wish.replaces,
        )
        signed = _signed(encode_order(order), community, wallet)
        return order, signed.digest, await client.submit(encode_signed(signed))


async def withdraw(url: str, wallet: Wallet, name: bytes) -> Taken:
    """Cancel an order by its name. Raises as `place`."""
    async with MarketClient(url) as client:
        community = decode_community((await client.community()).document)
        account = member_of(community, wallet).account
        number = (await client.account(account)).next_order
        signed = _signed(encode_cancel(Cancel(account, number, name)), community, wallet)
        return await client.submit(encode_signed(signed))


def order_name(text: str) -> bytes:
    """The name of an order as typed: 0x and 64 digits. Raises BadChoice."""
    if not re.fullmatch("0x[0-9a-fA-F]{64}", text):
        raise BadChoice(f"{text[:80]!r} is no order: 0x and 64 digits, as `market book` shows them")
    return bytes.fromhex(text[2:])


def minute_of_day(text: str) -> int:
    """Minutes after midnight of a time such as 7:30; 24:00 is the day's end. Raises BadChoice."""
    found = _TIME_OF_DAY.fullmatch(text)
    minute = int(found[1]) * 60 + int(found[2]) if found else -1
    if found is None or int(found[2]) >= 60 or not 0 <= minute <= DAY_MINUTES:
        raise BadChoice(f"{text[:20]!r} is no time of day such as 7:30")
    return minute


def price_text(price_utok_per_kwh: int | None, otherwise: str) -> str:
    """Tokens a kWh."""
    if price_utok_per_kwh is None:
        return otherwise
    return show_tokens(price_utok_per_kwh * NTOK_PER_UTOK, 6)


def order_lines(orders: list[OrderRow], zone: ZoneInfo) -> Iterator[str]:
    """A table of orders: who, what, at which limit, when, and where each stands."""
    yield f"{'place':>5} {'home':<18}{'side':<6}{'limit':>11} {'most':>9}  {'window':<13}state"
    for one in orders:
        limit = price_text(one.limit_utok_per_kwh, "the grid's")
        most = f"{show_energy(one.energy_wh)}" if one.energy_wh else "all"
        window = f"{_clock(one.day_from)}-{_clock(one.day_until)}"
        yield (
            f"{one.place:>5} {f'{one.account} {one.name}'[:17]:<18}{one.side:<6}{limit:>11} "
            f"{most:>9}  {window:<13}{one.state}"
        )
        yield f"      0x{one.digest.hex()}"
        more = list(_conditions(one, zone))
        if more:
            yield f"      {', '.join(more)}"


def _conditions(one: OrderRow, zone: ZoneInfo) -> Iterator[str]:
    if one.green_only:
        yield "green energy alone"
    if one.budget_ntok:
        yield f"at most {show_tokens(one.budget_ntok)} tokens a day"
    if one.preferred:
        yield f"rather with {', '.join(str(account) for account in one.preferred)}"
    if one.ended_ms is not None:
        yield f"ended {datetime.fromtimestamp(one.ended_ms // 1000, zone):%Y-%m-%d %H:%M}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _signed(document: bytes, community: Community, wallet: Wallet) -> Signed:
    return Signed(document, wallet.sign(message(document, community.domain)))
