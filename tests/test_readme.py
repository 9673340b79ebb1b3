"""What the README says of commands, numbers and files is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer

from prover.circuits.batch import DEFAULT_SHAPE
from wattlane.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benches" / "README.md"]


def commands(group: typer.Typer, name: str) -> set[str]:
    """Every command that is not hidden, as it is typed."""
    found = set()
    for command in group.registered_commands:
        own = command.name or (command.callback.__name__ if command.callback else "")
        if not command.hidden:
            found.add(f"{name} {own.replace('_', '-')}")
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        found |= commands(inner.typer_instance, f"{name} {inner.name}")
    return found


def test_the_table_lists_exactly_the_commands_that_there_are() -> None:
    listed = re.findall(r"^\| `(wattlane [^`]+)` \|", README, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == commands(app, "wattlane")


def test_the_circuits_size_is_the_committed_one() -> None:
    counts = json.loads((ROOT / "prover" / "circuits" / "counts.json").read_text())
    size = f"{counts['batch']:,} constraints"
    slots = f"{DEFAULT_SHAPE.queue_slots} queue slots and {DEFAULT_SHAPE.user_slots} user slots"
    assert size in README
    assert slots.replace(" and", ",") in README
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    assert f"{slots}, {size}" in architecture


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_every_named_test_exists(page: Path) -> None:
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), link
    for path in re.findall(
        r"\b((?:tests|benches|docs|prover|contracts)/[\w/]+\.(?:py|json|md|vy))\b", text
    ):
        assert (ROOT / path).exists(), path
