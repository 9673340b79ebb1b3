"""Every command on the treasurer's page exists, with the options that the page gives it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from wattlane.cli.app import app

PAGE = (Path(__file__).parents[1] / "docs" / "treasurer.md").read_text(encoding="utf-8")
TYPED = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.startswith("wattlane ")
]
COMMANDS = typer.main.get_command(app)
NAMED = sorted(set(re.findall(r"`(wattlane [a-z][^`]*)`", PAGE)))


def found(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words name, and what is left of them. Any: the parser's own class."""
    command: Any = COMMANDS
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def test_the_page_has_commands() -> None:
    assert len(TYPED) > 20


@pytest.mark.parametrize("line", TYPED)
def test_a_command_of_the_page_would_be_understood(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all its arguments, as typed: nothing is missing, nothing unknown."""
    for name in ("L1", "SEQUENCER", "MARKET"):
        monkeypatch.setenv(f"WATTLANE_{name}", "http://127.0.0.1:9")
    monkeypatch.setenv("WATTLANE_CONTRACT", "0x" + "5f" * 20)
    command, words = found(shlex.split(line)[1:])
    assert not hasattr(command, "commands"), f"{line}: no such command"
    command.make_context(line, words)


@pytest.mark.parametrize("name", NAMED)
def test_a_command_that_the_page_names_exists(name: str) -> None:
    command, left = found(name.split()[1:])
    if name == "wattlane COMMAND --help":
        return
    assert not hasattr(command, "commands"), f"{name}: no such command"
    options = {option for one in command.params for option in one.opts}
    assert {word for word in left if word.startswith("--")} <= options
