"""`wattlane market replay`: a street's year, cleared again without payments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from energy.community.rules import ClearingRule

Clearing = Annotated[
    ClearingRule,
    typer.Option("--clearing", help="The rule of the second run, the one with price limits."),
]
FeedIn = Annotated[int, typer.Option("--feed-in", min=0, help="What the grid pays, utok per kWh.")]
Retail = Annotated[int, typer.Option("--retail", min=1, help="What the grid takes, utok per kWh.")]
LimitsFile = Annotated[
    Path | None,
    typer.Option(
        "--limits",
        help="Each home's prices: CSV home,sell_utok_per_kwh,buy_utok_per_kwh, a line a home. "
        "Without it homes range from any price to three quarters of the gain, in equal steps.",
    ),
]
BatterySize = Annotated[
    int, typer.Option("--battery-wh", min=0, help="Size of the battery that is tried, Wh.")
]
BatteryPower = Annotated[int, typer.Option("--battery-w", min=0, help="Its power each way, W.")]
BatteryEfficiency = Annotated[
    int,
    typer.Option(
        "--battery-permille", min=1, max=1000, help="Thousandths of what it draws that it gives."
    ),
]
AtHome = Annotated[int, typer.Option("--battery-home", help="Where it stands in the second trial.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", help="Write all figures into this file, each line by hour of the day."),
]


def replay(
    clearing: Clearing = ClearingRule.SUPPLY_DEMAND,
    feed_in: FeedIn = 80_000,
    retail: Retail = 320_000,
    limits: LimitsFile = None,
    battery_wh: BatterySize = 10_000,
    battery_w: BatteryPower = 5_000,
    battery_permille: BatteryEfficiency = 900,
    battery_home: AtHome = 2,
    json: JsonFile = None,
) -> None:
    """How much would a street have traded? A measured year of 13 homes, hour by hour.

    First without price limits, shared pro rata: that is all that neighbours can trade. Then with
    each home's own limits; what is missing is explained to the Wh, line by line: whose limit kept
    how much back, and when. At the end, what one battery changes (for all, or for one home), and
    what it would be if one home had no panels. Nothing is paid, and no service is needed.

    \b
    wattlane market replay                           the built-in spread of limits
    wattlane market replay --clearing uniform        another rule
    wattlane market replay --limits mine.csv --json year.json
    """
    from json import dumps

    from rich.console import Console

    from energy.community.rules import Tariff
    from energy.replay.battery import Battery
    from wattlane.durable import write_durably
    from wattlane.market_replay import (
        Question,
        answer,
        built_in_year,
        document,
        lines,
        read_limits,
    )
    from wattlane.progress import Bars

    if feed_in > retail:
        raise typer.BadParameter("the grid pays more than it takes: neighbours have no gain")
    tariff = Tariff(0, retail, feed_in)
    battery = Battery(battery_wh, battery_w, battery_permille)
    question = Question(tariff, clearing, read_limits(limits, tariff), battery, battery_home)
    street = built_in_year()
    with Bars(Console(stderr=True)) as bars, bars.stage("a year of hours", 2 * street.hours) as bar:
        found = answer(street, question, lambda done, _: bar(done))
    for line in lines(question, found):
        typer.echo(line)
    if json is not None:
        write_durably(json, dumps(document(question, found), indent=1) + "\n")
        typer.echo(f"\nall figures: {json}")
