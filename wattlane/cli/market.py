"""`wattlane market`: a community's market."""

from __future__ import annotations

import typer

from wattlane.cli import community, market_replay, market_topology

app = typer.Typer(no_args_is_help=True, help="A community's market.")
app.add_typer(community.app, name="community")
app.command()(market_topology.topology)
app.command()(market_replay.replay)
