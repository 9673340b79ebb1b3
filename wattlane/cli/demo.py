"""`wattlane demo`: a street's market day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattlane.cli.options import Cluster, DataMode
from wattlane.demo.settings import (
    DEFAULT_FEED_IN_UTOK_PER_KWH,
    DEFAULT_HOMES,
    DEFAULT_RETAIL_UTOK_PER_KWH,
)
from wattlane.readings import DEFAULT_DAY

L1 = Annotated[
    str,
    typer.Option(
        "--l1",
        help="anvil, embedded, or the URL of an L1. auto: anvil where npm can install it, else "
        "embedded. On a URL, WATTLANE_L1_KEY pays, unless development accounts have ether.",
    ),
]
Homes = Annotated[
    str | None,
    typer.Option("--homes", help="How many homes, or which: 6, or 2,8,9,17.  [default: 4]"),
]
Day = Annotated[str | None, typer.Option("--day", help=f"A day of the data. [{DEFAULT_DAY}]")]
Hours = Annotated[str | None, typer.Option("--hours", help="Part of the day, such as 8-14. [0-24]")]
Readings = Annotated[
    Path | None,
    typer.Option(
        "--readings",
        help="Your own meters instead: CSV time,meter,import_wh,export_wh with ISO times (UTC, or "
        "with an offset) and cumulative integer registers.",
    ),
]
FeedIn = Annotated[
    int, typer.Option("--feed-in", help="What the grid pays for energy, utok per kWh.")
]
Retail = Annotated[int, typer.Option("--retail", help="What the grid takes, utok per kWh.")]
Report = Annotated[Path, typer.Option("--report", help="Where to write the report.")]
Keep = Annotated[
    Path | None,
    typer.Option("--keep", help="Leave everything behind in this new folder, to look at it."),
]

Page = Annotated[
    bool,
    typer.Option(
        "--page",
        help="Watch it in the browser: prints the URL of the explorer and of one home's own page, "
        "and goes on serving them after the day until Ctrl-C.",
    ),
]
NoOpen = Annotated[
    bool, typer.Option("--no-open", help="With --page: open no browser, even with a display.")
]


def demo(
    l1: L1 = "auto",
    homes: Homes = None,
    day: Day = None,
    hours: Hours = None,
    readings: Readings = None,
    feed_in: FeedIn = DEFAULT_FEED_IN_UTOK_PER_KWH,
    retail: Retail = DEFAULT_RETAIL_UTOK_PER_KWH,
    report: Report = Path("demo-report.json"),
    keep: Keep = None,
    prover: Cluster = None,
    data: DataMode = None,
    page: Page = False,
    no_open: NoOpen = False,
) -> None:
    """Let a street of real homes trade on its own market for a day, with real proofs on a real L1.

    Starts an L1, deploys token and rollup, gives each home a wallet, a deposit, a meter with a key
    and a process of its own, and starts the market of their community. The meters' readings are
    signed and shown to it; by the homes' orders, each with limits of its own, it clears every
    interval, and each home's agent computes that again and pays at every reading. Channels close
    together, one home disappears and is closed by force, two homes withdraw to L1. Every batch is
    proved with Groth16, accepted by the contract, and verified again from L1 alone. At the end
    every home has a bill, which follows line by line from its own files.
    Exit status 0 only if all of it holds.
    """
    from wattlane.demo.settings import (
        CALLDATA,
        UTC,
        DemoSettings,
        built_in,
        check_l1,
        check_prices,
        from_file,
    )
    from wattlane.errors import BadChoice
    from wattlane.readings import STREET_ZONE

    check_prices(feed_in, retail)
    check_l1(l1)
    if readings is not None:
        if day is not None or hours is not None:
            raise BadChoice("--day and --hours choose from the built-in data, not from a file")
        street, title = from_file(readings, homes)
    else:
        wanted = homes or str(DEFAULT_HOMES)
        street, title = built_in(wanted, day or str(DEFAULT_DAY), hours or "0-24")
    settings = DemoSettings(
        street,
        title,
        feed_in,
        retail,
        report,
        l1,
        keep,
        prover,
        data or CALLDATA,
        page=page,
        opens_page=page and not no_open,
        zone=STREET_ZONE if readings is None else UTC,
    )
    from rich.console import Console  # what follows takes a second to load

    from wattlane.demo.run import run_demo
    from wattlane.demo.signals import stop_on_terminate

    with stop_on_terminate():
        if not run_demo(settings, Console()):
            raise typer.Exit(1)
