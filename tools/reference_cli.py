"""docs/cli.md: every command with its arguments and options, by typer's own means."""

from __future__ import annotations

import platformdirs
import typer
from typer.cli import get_docs_for_click

from wattlane.cli.app import app


def cli_page() -> str:
    """The page's text; folders as they are on a plain Linux machine."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="wattlane")
    text = get_docs_for_click(
        obj=command, ctx=context, name="wattlane", title="The command line: `wattlane`"
    )
    for here, plain in (
        (platformdirs.user_data_dir("wattlane"), "~/.local/share/wattlane"),
        (platformdirs.user_cache_dir("wattlane"), "~/.cache/wattlane"),
        (platformdirs.user_config_dir("wattlane"), "~/.config/wattlane"),
    ):
        text = text.replace(here, plain)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip() + "\n"
