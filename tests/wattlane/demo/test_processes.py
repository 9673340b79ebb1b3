"""The demo's children: stopped in order, killed if they must be, and their last words shown."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from wattlane.demo import processes
from wattlane.demo.processes import Child, ChildFailed, Children

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('up', flush=True); time.sleep(600)"
)


def _until(log: Path, word: str) -> None:
    deadline = time.monotonic() + 120
    while word not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_child_that_ends_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("wallet", ["wallet", "show", "--folder", str(tmp_path)], {})
        child.process.wait(120)
        with pytest.raises(
            ChildFailed, match=r"(?s)wallet ended with status 1.*no wallet"
        ) as caught:
            children.check()
        assert caught.value.log == str(tmp_path / "wallet.log")


def test_a_stubborn_child_and_its_children_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_WAIT_S", 0.3)
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STUBBORN!r}])"
    child = Child("parent", [sys.executable, "-c", code], tmp_path / "parent.log", {})
    _until(child.log, "up")
    (grandchild,) = psutil.Process(child.pid).children()
    child.wait_or_kill(time.monotonic() + 0.3)
    _, alive = psutil.wait_procs([grandchild], timeout=120)
    assert not alive
    assert not child.running


def test_a_killed_child_is_not_missed(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("demo", ["demo", "--help"], {})
        children.kill(child)
        children.check()
        assert not child.running
