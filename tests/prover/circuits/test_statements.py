"""docs/statements.md names every part of the batch and exit circuits with its committed count."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COUNTS: dict[str, int] = {
    part: count
    for file in ("counts.json", "exit_counts.json")
    for part, count in json.loads((ROOT / "prover/circuits" / file).read_text()).items()
}


@pytest.mark.parametrize("part", COUNTS)
def test_every_part_has_a_statement_with_its_count(part: str) -> None:
    section = (ROOT / "docs/statements.md").read_text().partition("## prover/circuits")[2]
    entry = section.partition(f"### {part}\n")[2].partition("\n### ")[0]
    assert re.search(rf"\b{COUNTS[part]:,}\b", entry), f"no entry or another count: {part}"
