"""docs/security.md is complete and true: every ⚠ sentence, class of holes and promise has a row,
and every test that a row names exists.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
PROMISES = [f"C{number}" for number in range(1, 9)]
OF_THE_MARK_ITSELF = "close one each"
"""The words after the ⚠ that says what ⚠ means."""

CLASSES = (
    "input aliasing",
    "gamma = delta",
    "s >= l",
    "identity and small-order keys",
    "over-wide limbs",
    "OPEN into an occupied slot",
    "sibling tampering",
    "unconstrained wire",
    "public input flipped",
    "challenge z that does not bind",
    "infinity and points off the subgroup",
    "decomposition's alias",
    "replay across chain id, contract, epoch, lane and nonce",
    "re-entrancy",
    "take a fee or answer false",
    "garbage keys",
    "spam in the forced queue",
    "forced op that cannot be proved",
    "an address that cannot receive",
    "time at its bounds",
    "l1_time moved backwards",
    "before Prague",
)

Named = tuple[str, str, str | None]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:\[([^`]*)\])?`")


def section(title: str) -> list[list[str]]:
    """The rows of the table under this heading, without its head."""
    body = SECURITY.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[2:]]


def named_in(text: str) -> list[Named]:
    return [(path, name, case or None) for path, name, case in NAMED.findall(text)]


@cache
def functions_of(path: str) -> dict[str, bool]:
    """The tests of a file, and whether each is skipped whatever happens."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = [ast.unparse(mark) for mark in node.decorator_list]
            found[node.name] = any(
                mark.startswith(("pytest.mark.skip(", "pytest.mark.xfail")) for mark in marks
            )
    return found


@pytest.mark.parametrize("named", sorted(set(named_in(SECURITY)), key=str), ids=lambda n: n[1])
def test_every_test_that_is_named_exists_and_runs(named: Named) -> None:
    path, name, case = named
    assert name.startswith("test_")
    assert functions_of(path)[name] is False
    if case is not None:
        assert f'"{case}"' in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "title",
    ["Who attacks, and what stops them", "Classes of holes", "Sentences marked ⚠", "Promises"],
)
def test_every_row_names_a_test(title: str) -> None:
    rows = section(title)
    assert len(rows) > 7
    for row in rows:
        assert named_in(row[-1]), row
        assert NAMED.sub("", row[-1]).strip(", ") == "", row


def sentences() -> list[str]:
    """What stands after each ⚠ in protocol.md."""
    after = [text.lstrip() for text in PROTOCOL.split("⚠")[1:]]
    return [text for text in after if not text.startswith(OF_THE_MARK_ITSELF)]


def test_every_sentence_marked_has_its_row_and_every_row_its_sentence() -> None:
    quotes = [row[0].removeprefix('"').removesuffix('"') for row in section("Sentences marked ⚠")]
    assert all(len(quote) > 12 for quote in quotes)
    assert len(PROTOCOL.split("⚠")) - 1 == len(sentences()) + 1
    for text in sentences():
        assert sum(text.startswith(quote) for quote in quotes) == 1, text[:80]
    for quote in quotes:
        assert sum(text.startswith(quote) for text in sentences()) == 1, quote


@pytest.mark.parametrize("known", CLASSES)
def test_every_class_of_holes_has_its_row(known: str) -> None:
    assert sum(known in row[0] for row in section("Classes of holes")) == 1


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_tests_that_carry_its_name(promise: str) -> None:
    rows = [row for row in section("Promises") if promise in row[0].split(", ")]
    assert rows
    for row in rows:
        prefix = "".join(f"{one}_" for one in ("test", *row[0].lower().split(", ")))
        assert all(name.startswith(prefix) for _, name, _ in named_in(row[-1])), row
    listed = {name for row in rows for _, name, _ in named_in(row[-1])}
    assert f"- {promise} " in PROTOCOL
    assert listed
