"""Every command that the treasurer's page names in its text exists, with its options.

Those in its blocks are run: tests/wattlane/cli/test_treasurer.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from wattlane.cli.app import app

PAGE = (Path(__file__).parents[1] / "docs" / "treasurer.md").read_text(encoding="utf-8")
COMMANDS = typer.main.get_command(app)
NAMED = sorted(set(re.findall(r"`(wattlane [a-z][^`]*)`", PAGE)))


def found(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words name, and what is left of them. Any: the parser's own class."""
    command: Any = COMMANDS
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


@pytest.mark.parametrize("name", NAMED)
def test_a_command_that_the_page_names_exists(name: str) -> None:
    command, left = found(name.split()[1:])
    if name == "wattlane COMMAND --help":
        return
    assert not hasattr(command, "commands"), f"{name}: no such command"
    options = {option for one in command.params for option in one.opts}
    assert {word for word in left if word.startswith("--")} <= options
