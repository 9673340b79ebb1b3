"""The tree keeps its own rules: who imports whom, types, lint, and small files."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "protocol",
    "prover",
    "channels",
    "watchtower",
    "sequencer",
    "contracts",
    "energy",
    "wattlane",
)
MAX_LINES = 400
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["lint-imports", "--no-cache"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "."],
    ],
    ids=lambda command: " ".join(command),
)
def test_the_tree_is_clean(command: list[str]) -> None:
    tool = BIN / command[0]
    done = subprocess.run([tool, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", [*PACKAGES, "tests", "benches", "tools"])
def test_a_file_holds_one_idea_and_stays_small(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines < MAX_LINES, f"{path} has {lines} lines"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_opens_with_what_it_owns(package: str) -> None:
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text(encoding="utf-8").lstrip()
        assert not text or text.startswith(('"""', "#!", 'r"""')), f"{path} has no docstring"


def test_nobody_hides_in_a_drawer_named_utils() -> None:
    for package in PACKAGES:
        names = {path.stem for path in (ROOT / package).rglob("*.py")}
        assert not names & {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_that_ships_imports_the_tests(package: str) -> None:
    """So no simulated proof can reach a program that is installed."""
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not any(name.split(".")[0] == "tests" for name in names), path
