"""Shared by the whole suite: how long each part took, and what could not be tested here."""

from __future__ import annotations

import random
import signal
import threading
from collections import defaultdict
from pathlib import Path

import pytest

from contracts.chain import ChainUnavailable
from contracts.chain.anvil import anvil_binary
from tests.support.services import services_line

TESTS = Path(__file__).parent
PARTS_OF_A_WHOLE_RUN = 4
LONGEST = (
    "e2e/test_demo.py",
    "differential/test_differential.py",
    "wattlane/cli/test_treasurer.py",
    "wattlane/cli/test_tutorial.py",
    "e2e/test_sequencer_crashes.py",
    "property/test_rollup_machine.py",
    "e2e/test_cluster.py",
    "e2e/test_sequencer_operations.py",
    "prover/distribution/test_cluster.py",
    "e2e/test_sequencer_trouble.py",
    "test_architecture.py",
    "e2e/test_nodes_crash.py",
    "e2e/test_real_proofs.py",
    "e2e/test_sequencer_workers.py",
    "property/test_executor_machine.py",
)
"""The files that take longest, the longest first: a process that began one of them last would work
on while the others have nothing left to do.
"""
_seconds: dict[str, float] = defaultdict(float)
_counts: dict[str, int] = defaultdict(int)


if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) == signal.SIG_IGN
):
    # A shell starts what it puts into the background with SIGINT ignored, and whatever is started
    # from there would inherit that: commands under test have to end at Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test draws the same numbers, whatever ran before it."""
    random.seed(0x_5EED)


def _part(nodeid: str) -> str:
    pieces = nodeid.split("::")[0].split("/")
    return pieces[1] if len(pieces) > 2 else "(top)"


def _anvil() -> str:
    try:
        return f"anvil: tested against {anvil_binary()}"
    except ChainUnavailable as error:
        return f"anvil could not be installed, so what needs it was skipped: {error}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first; everything else keeps its order."""
    rank = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """A run of the whole suite installs anvil first (by npm, once), or finds out why it cannot."""
    if len({_part(item.nodeid) for item in session.items}) >= PARTS_OF_A_WHOLE_RUN:
        _anvil()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add set-up, call and tear-down to the part that the test belongs to."""
    part = _part(report.nodeid)
    _seconds[part] += report.duration
    _counts[part] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a part, the slowest first."""
    terminalreporter.section("how long each part took")
    for part, seconds in sorted(_seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{seconds:8.1f} s  {_counts[part]:5} tests  tests/{part}")
    if len(_counts) >= PARTS_OF_A_WHOLE_RUN:
        terminalreporter.write_line(_anvil())
        terminalreporter.write_line(services_line())
