"""`wattlane market run` and `agent`: the community's service, and a household's part in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattlane.cli.completing import folders
from wattlane.cli.options import DEFAULT_FOLDER, Folder, PassphraseFile, host_and_port, http_url
from wattlane.home_folder import market_copy_in

MarketFolder = Annotated[
    Path,
    typer.Option(
        "--folder",
        envvar="WATTLANE_MARKET_FOLDER",
        help="Folder of the market: its journal and the key that signs it. Back it up: it is all "
        "that the market is.",
        autocompletion=folders,
    ),
]
MarketUrl = Annotated[
    str,
    typer.Option(
        "--market", envvar="WATTLANE_MARKET", callback=http_url, help="URL of the market."
    ),
]
_MARKET = DEFAULT_FOLDER.with_name("market")


def run(
    folder: MarketFolder = _MARKET,
    listen: Annotated[
        str, typer.Option("--listen", help="HOST:PORT for households; port 0 takes any.")
    ] = "127.0.0.1:8660",
    founding: Annotated[
        Path | None,
        typer.Option(
            "--founding",
            help="The signed community with which a new journal begins: what `wattlane market "
            "community found --out` wrote.",
        ),
    ] = None,
    community: Annotated[
        Path | None,
        typer.Option(
            "--community",
            help="The community's TOML file: a new journal waits for its founding "
            "(`wattlane market community found`) and for no other.  [FOLDER/community.toml]",
        ),
    ] = None,
    replay_from: Annotated[
        str | None,
        typer.Option(
            "--replay-from",
            help="Replay a day that is over: begin at this time, such as 2026-06-01T00:00Z, and "
            "let the readings be the clock. Whoever has a meter could move it: never for a street "
            "that trades.",
        ),
    ] = None,
) -> None:
    """Run a community's market until Ctrl-C or SIGTERM.

    It keeps a journal of what members and meters have signed, clears and settles each interval
    when it is due, and shows all of it to anyone. It holds no money: it can be silent or wrong, and
    every household computes it again before it pays. Everything is on disk before it is answered;
    started again it goes on where it was. A new journal begins with the community that you name,
    never with that of whoever comes first. At the same address a browser finds the day's prices,
    the order book, each interval and each home's orders. Put a server that speaks HTTPS in front.
    An address may ask 50 times a second, a member or a meter bring 5 documents, and 2,000 at once;
    whoever wants more waits.
    """
    import asyncio
    import time

    from channels.log import log_to_stderr
    from energy.market.process import MarketSettings, run_market
    from energy.market.rates import NO_LIMITS, STREET
    from energy.market.service import Clock, MeterClock, WallClock
    from wattlane.community_changes import read_signed
    from wattlane.community_view import parse_moment
    from wattlane.market_pages.app import add_market_pages

    log_to_stderr("info")
    begins = None
    if founding is not None:
        from energy.signed import encode_signed

        begins = encode_signed(read_signed(founding))
    clock: Clock = WallClock(lambda: time.time_ns() // 1_000_000)
    if replay_from is not None:
        clock = MeterClock(parse_moment(replay_from))
    founds = _founds(folder, community)
    rates = NO_LIMITS if replay_from is not None else STREET
    settings = MarketSettings(folder, clock, host_and_port(listen), begins, founds, rates=rates)
    asyncio.run(run_market(settings, lambda url: typer.echo(f"market on {url}"), add_market_pages))


def _founds(folder: Path, community: Path | None) -> bytes | None:
    """The digest of the community that may found the market; what is founded needs none."""
    from energy.community.community_file import load_community
    from energy.community.document import community_digest
    from energy.market.journal import FILE_NAME, newest_of

    if (folder / FILE_NAME).exists() and newest_of(folder):
        return None
    path = community or folder / "community.toml"
    if community is None and not path.exists():
        return None
    return community_digest(load_community(path))


def agent(
    market: MarketUrl,
    folder: Folder = DEFAULT_FOLDER,
    meter: Annotated[
        Path | None,
        typer.Option(
            "--meter",
            envvar="WATTLANE_METER_FOLDER",
            help="Folder of the home's meter (`wattlane meter`), whose readings are shown to the "
            "market. Without it: none are, or the meter does it itself.",
            autocompletion=folders,
        ),
    ] = None,
    meter_did: Annotated[
        list[str] | None,
        typer.Option(
            "--meter-did",
            help="A meter of the home that is read elsewhere, did:key:z6Mk...; may be repeated. "
            "Without it and --meter: those that the community's file named for it first.",
        ),
    ] = None,
    copy: Annotated[
        Path | None,
        typer.Option("--copy", help="Where the copy of the journal is kept.  [FOLDER/market]"),
    ] = None,
    every_s: Annotated[
        float, typer.Option("--every", min=0.2, help="Seconds between two looks at the market.")
    ] = 2.0,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Trade for a home: show its readings, say what its channels carry, pay what it owes.

    The home's node must run in the folder (`wattlane node run`). Nothing that the market says is
    taken for true: the whole journal is kept and computed again here, and what does not follow is
    neither paid nor forgotten. What was paid is read from the node, so it may be stopped and
    started at any time, and pays nothing twice. What a home sells and buys, its orders say
    (`wattlane market order`). A home whose meter is read elsewhere names it with --meter-did:
    nothing is paid by what another meter has shown, which a community could add to its account.
    The community's own account needs an agent too, where fees go to it or it is the hub.
    """
    import asyncio
    import time

    from channels.log import log_to_stderr
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from wattlane.market_agent import run_agent

    log_to_stderr("info")
    wallet = Wallet.load(folder, read_passphrase(passphrase_file))

    def say_ready(account: int, is_own: bool) -> None:
        whose = ", the community's own" if is_own else ""
        typer.echo(f"trades for account {account}{whose}")

    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    where = wallet, folder, market, copy or market_copy_in(folder), meter
    agent = run_agent(*where, every_s, say_ready, now_ms=now_ms, meters=meter_did or ())
    asyncio.run(agent)
