"""The real command in processes of its own, away from any terminal.

Where the system allows it they are forked from one that has imported everything before.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.forking_wattlane import REAL, fork_server, is_possible


def environment(**more: str) -> dict[str, str]:
    """This process's environment without any WATTLANE_ setting but the caches, and with these."""
    kept = ("WATTLANE_CACHE", "WATTLANE_ANVIL")
    own = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith("WATTLANE_") or name in kept
    }
    return {**own, **more}


def command_line(module: str = REAL) -> list[str]:
    """What is `python -m wattlane`, or another module with a `main`; arguments follow."""
    return fork_server().command(module) if is_possible() else [sys.executable, "-m", module]


def wattlane(
    *arguments: str, timeout_s: float = 300.0, module: str = REAL, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. `module`: what stands in for the program, with its arguments."""
    return subprocess.run(
        [*command_line(module), *arguments],
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


def assert_one_line(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """It failed with this status and one line on stderr that has these words."""
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
