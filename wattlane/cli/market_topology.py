"""`wattlane market topology`: mesh or hub, what each asks of a given street."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattlane.demo.settings import (
    DEFAULT_FEED_IN_UTOK_PER_KWH,
    DEFAULT_RETAIL_UTOK_PER_KWH,
)

Readings = Annotated[
    Path | None,
    typer.Option(
        help="Your own street: CSV time,meter,import_wh,export_wh, cumulative registers. Without "
        "it, one measured year of 13 homes."
    ),
]
Homes = Annotated[
    str | None, typer.Option("--homes", help="Which built-in homes: 6, or 2,8,9,17.  [all 13]")
]
Days = Annotated[
    int, typer.Option("--days", help="How many days of the built-in year.", min=1, max=364)
]
Minutes = Annotated[
    int,
    typer.Option(
        "--interval",
        help="Minutes of an interval with --readings; the built-in data is hourly.",
        min=1,
    ),
]
Open = Annotated[
    list[str] | None,
    typer.Option(
        "--open",
        help="A channel that is open, by its homes' names: h02:h09, or community:h02. Repeat it.",
    ),
]
FeedIn = Annotated[
    int, typer.Option("--feed-in", help="What the grid pays for energy, utok per kWh.", min=0)
]
Retail = Annotated[int, typer.Option("--retail", help="What the grid takes, utok per kWh.", min=0)]
Fee = Annotated[
    int, typer.Option("--fee", help="What a buyer pays the community on a kWh, utok.", min=0)
]
TopUp = Annotated[
    int, typer.Option("--top-up", help="For how many days deposits have to last.", min=1)
]
ReadingS = Annotated[
    int,
    typer.Option(
        "--reading",
        help="Seconds between readings: pay at each, or once an interval with 0.",
        min=0,
    ),
]


def topology(
    readings: Readings = None,
    homes: Homes = None,
    days: Days = 91,
    interval: Minutes = 15,
    open_: Open = None,
    feed_in: FeedIn = DEFAULT_FEED_IN_UTOK_PER_KWH,
    retail: Retail = DEFAULT_RETAIL_UTOK_PER_KWH,
    fee: Fee = 0,
    top_up: TopUp = 30,
    reading: ReadingS = 60,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """A channel a pair (mesh) or one a home with the community (hub): what each asks of a street.

    Goes through the readings of a street as if every home had traded all it could, and says for
    both: how many channels, how many of them are open already (homes prefer neighbours they have a
    channel with, so open ones are used first), what has to be put into them so that it lasts for
    --top-up days, and what is owed and not yet paid at the worst moment: all that anyone can lose
    by somebody who stops paying. Nothing is changed anywhere.
    """
    import json

    from wattlane.cli.progress import shown_progress
    from wattlane.topology_plan import (
        Choices,
        built_in_street,
        lines,
        open_channels,
        plan,
        street_of_file,
        to_json,
    )

    if readings is not None:
        street = street_of_file(readings, homes, interval)
    else:
        street = built_in_street(homes, days)
    channels = open_channels(open_ or [], street)
    choices = Choices(feed_in, retail, fee, channels, top_up, reading)
    with shown_progress() as progress:
        found = plan(street, choices, progress)
    typer.echo(json.dumps(to_json(found), indent=2) if as_json else "\n".join(lines(found)))
