"""A forked command is what `python -m` would have been: a process of its own, with all it needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.forking_wattlane import is_possible
from tests.wattlane.cli.running import command_line, environment

SHOWN = "tests.support.shown_process"

pytestmark = pytest.mark.skipif(not is_possible(), reason="commands are not forked on this system")


def _start(*arguments: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command_line(SHOWN), *arguments],
        cwd=folder,
        env=environment(WATTLANE_SHOWN="yes"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _waiting(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """One that waits for a signal, and the number of the process that does."""
    process = _start("wait", folder=folder)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    return process, int(json.loads(process.stdout.readline())["process"])


def test_it_has_what_it_was_given_and_ends_with_its_own_status(tmp_path: Path) -> None:
    process = _start("status", "7", folder=tmp_path)
    said, _ = process.communicate("typed\n", timeout=60)
    shown = json.loads(said)
    assert shown.pop("process") not in (os.getpid(), process.pid)
    assert shown == {
        "arguments": ["status", "7"],
        "folder": str(tmp_path),
        "input": "typed\n",
        "variable": "yes",
    }
    assert process.returncode == 7


def test_what_it_raises_is_seen(tmp_path: Path) -> None:
    process = _start("raise", folder=tmp_path)
    _, said = process.communicate("", timeout=60)
    assert said.splitlines()[-1] == "ValueError: as told"
    assert process.returncode == 1


def test_a_signal_reaches_it_and_it_ends_by_it(tmp_path: Path) -> None:
    process, _ = _waiting(tmp_path)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == -signal.SIGTERM


def test_killed_it_is_gone(tmp_path: Path) -> None:
    process, number = _waiting(tmp_path)
    process.kill()
    process.wait(60)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{number}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
