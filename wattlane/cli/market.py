"""`wattlane market`: a community's market."""

from __future__ import annotations

import typer

from wattlane.cli import (
    community,
    market_orders,
    market_recompute,
    market_replay,
    market_run,
    market_topology,
)

app = typer.Typer(
    no_args_is_help=True,
    help="A community's market: who sells to whom, at what price, on whose word. docs/market.md "
    "says how it works, docs/treasurer.md what a community does.",
)
app.command()(market_run.run)
app.command()(market_run.agent)
app.command()(market_orders.order)
app.command()(market_orders.cancel)
app.command()(market_orders.book)
app.command()(market_recompute.recompute)
app.add_typer(community.app, name="community")
app.command()(market_topology.topology)
app.command()(market_replay.replay)
