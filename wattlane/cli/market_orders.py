"""`wattlane market order`, `cancel` and `book`: what a home wants, and what all want."""

from __future__ import annotations

from typing import Annotated

import typer

from wattlane.cli.market_run import MarketUrl
from wattlane.cli.options import DEFAULT_FOLDER, Folder, PassphraseFile

FOREVER_MS = (1 << 63) - 1


def order(
    side: Annotated[str, typer.Argument(metavar="sell|buy", help="What the home wants to do.")],
    market: MarketUrl,
    limit: Annotated[
        str | None,
        typer.Option(
            "--limit",
            help="Lowest price to sell, or highest to buy, in tokens a kWh with all fees, such as "
            "0.25. Without it: what the grid pays, or takes.",
        ),
    ] = None,
    energy: Annotated[
        str | None,
        typer.Option(
            "--energy",
            help="The most in one interval, kWh, such as 0.5. Without it: all the meter shows.",
        ),
    ] = None,
    starts: Annotated[
        str | None, typer.Option("--from", help="From when on, such as 2026-07-01T00:00+02:00.")
    ] = None,
    ends: Annotated[
        str | None, typer.Option("--until", help="Until when. Without it: until it is cancelled.")
    ] = None,
    day_from: Annotated[
        str, typer.Option("--day-from", help="From which time of day, by the community's clock.")
    ] = "0:00",
    day_until: Annotated[
        str, typer.Option("--day-until", help="Until which time of day; it may be past midnight.")
    ] = "24:00",
    prefer: Annotated[
        list[int] | None,
        typer.Option("--prefer", min=0, help="Account to deal with first; may be repeated."),
    ] = None,
    green: Annotated[
        bool, typer.Option("--green", help="Buy renewable energy only, or none.")
    ] = False,
    budget: Annotated[
        str | None, typer.Option("--budget", help="The most to spend on a day, tokens.")
    ] = None,
    replaces: Annotated[
        str | None, typer.Option("--replaces", help="The order that this one changes, 0x....")
    ] = None,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """State once what a home sells or buys, signed by its account's key.

    It stands in every interval that begins from now on, until it is over, changed or cancelled: a
    change is a new order that replaces the old one. What is traded is never more than the meter
    shows, the channels can pay, and the community's limits allow. Everyone can see it.
    """
    import asyncio

    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from energy.community.rules import Side
    from wattlane.community_view import parse_moment
    from wattlane.market_orders import Wish, minute_of_day, order_name, place
    from wattlane.money import parse_energy, parse_price, parse_tokens

    if side not in ("sell", "buy"):
        raise typer.BadParameter(f"{side!r}: choose sell or buy")
    wish = Wish(
        side=Side(side),
        limit_utok_per_kwh=None if limit is None else parse_price(limit),
        energy_wh=0 if energy is None else parse_energy(energy),
        from_ms=0 if starts is None else parse_moment(starts),
        until_ms=FOREVER_MS if ends is None else parse_moment(ends),
        day_from=minute_of_day(day_from),
        day_until=minute_of_day(day_until),
        preferred=tuple(prefer or ()),
        green_only=green,
        budget_ntok=0 if budget is None else parse_tokens(budget),
        replaces=b"" if replaces is None else order_name(replaces),
    )
    wallet = Wallet.load(folder, read_passphrase(passphrase_file))
    placed, name, taken = asyncio.run(place(market, wallet, wish))
    typer.echo(f"order        0x{name.hex()}")
    account = f"number {placed.number} of account {placed.account}"
    typer.echo(f"taken        entry {taken.seq} of the journal, {account}")


def cancel(
    name: Annotated[str, typer.Argument(metavar="ORDER", help="0x..., as `book` shows it.")],
    market: MarketUrl,
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Withdraw an order: it counts in no interval that begins from now on."""
    import asyncio

    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from wattlane.market_orders import order_name, withdraw

    wanted = order_name(name)
    wallet = Wallet.load(folder, read_passphrase(passphrase_file))
    taken = asyncio.run(withdraw(market, wallet, wanted))
    typer.echo(f"cancelled    entry {taken.seq} of the journal")


def book(
    market: MarketUrl,
    at: Annotated[
        str | None,
        typer.Option("--at", help="As it stood in the interval at a time: 2026-07-01T12:00Z."),
    ] = None,
    account: Annotated[
        int | None,
        typer.Option("--account", min=0, help="All orders of one account instead, ended ones too."),
    ] = None,
) -> None:
    """Show the orders that stand, by their priority in time, or all that one account ever gave."""
    import asyncio
    from zoneinfo import ZoneInfo

    from energy.market.client import MarketClient
    from energy.market.models import OrderRow
    from wattlane.community_view import parse_moment
    from wattlane.market_orders import order_lines

    async def ask() -> tuple[str, list[OrderRow]]:
        async with MarketClient(market) as client:
            zone = (await client.info()).zone
            if account is not None:
                return zone, await client.orders(account)
            found = await client.book(None if at is None else parse_moment(at))
            return zone, found.orders

    zone, orders = asyncio.run(ask())
    if not orders:
        typer.echo("no order stands")
        return
    for line in order_lines(orders, ZoneInfo(zone)):
        typer.echo(line)
