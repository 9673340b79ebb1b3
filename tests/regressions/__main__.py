"""Every attack by the name of what it attacks: `python -m tests.regressions [WORDS]`.

Runs the tests that the tables of docs/security.md name (of rows with these words in their first
cell, or of all) and says of each row whether its attacks failed, as they should.
"""

from __future__ import annotations

import sys
from collections import defaultdict

import pytest

from tests.regressions.test_tables import named_in, section

TITLES = ("Classes of holes", "Sentences marked ⚠", "Promises")


class Outcomes:
    """What became of each test function, by its file and name."""

    def __init__(self) -> None:
        self.of: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        path, _, name = report.nodeid.partition("::")
        if report.when == "call" or report.outcome != "passed":
            self.of[path, name.split("[")[0]].add(report.outcome)


def main(words: str) -> int:
    """The exit status: 0 if every row's tests passed on at least one chain and failed on none."""
    rows = [row for title in TITLES for row in section(title) if words.lower() in row[0].lower()]
    wanted = {row[0]: [(path, name) for path, name, _ in named_in(row[-1])] for row in rows}
    ids = sorted({f"{path}::{name}" for tests in wanted.values() for path, name in tests})
    outcomes = Outcomes()
    status = pytest.main(["-q", "--no-summary", *ids], plugins=[outcomes]) if ids else 5
    for row, tests in wanted.items():
        seen = [outcomes.of[test] for test in tests]
        holds = all("passed" in one and "failed" not in one for one in seen)
        print(f"{'holds ' if holds else 'BROKEN'}  {row}  ({len(tests)} tests)")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
