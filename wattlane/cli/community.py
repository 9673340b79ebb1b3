"""`wattlane market community`: a community's file, and how its rules are changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="A community's file: who is in it, its meters, limits, tariffs and rules; and the votes "
    "by which the rules change. docs/treasurer.md goes through it step by step.",
)

CommunityPath = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="The community's TOML file; examples are in examples/communities."
    ),
]


@app.command()
def check(file: CommunityPath) -> None:
    """Read a community's file as strictly as a market does, and print its hash.

    The hash is of what the file says: comments, order and the way dates are written do not count.
    Neighbours who have the same hash have agreed on the same thing. Exit status 1, and what is
    wrong and where, if the file cannot be used.
    """
    from energy.community.community_file import load_community
    from energy.community.document import community_digest

    community = load_community(file)
    members, feeders = len(community.members), len(community.feeders)
    without = [one.name for one in community.members if not one.meters]
    typer.echo(f"{community.name}: {members} members, {feeders} feeders, a usable file")
    typer.echo(f"hash     0x{community_digest(community).hex()}")
    typer.echo(f"profile  {community.profile.value}: {community.law.title}")
    if without:
        typer.echo(f"no meter {', '.join(without)}: without verified readings they do not trade")


@app.command()
def show(
    file: CommunityPath,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Show what is in force at a time such as 2026-07-01T12:00Z."),
    ] = None,
) -> None:
    """Show a community in words: its members and their limits, its prices and its rules."""
    import time

    from energy.community.community_file import load_community
    from wattlane.community_view import community_lines, parse_moment

    now_ms = time.time_ns() // 1_000_000 if at is None else parse_moment(at)
    for line in community_lines(load_community(file), now_ms):
        typer.echo(line)
