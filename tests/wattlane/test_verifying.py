"""The check that a sequencer's page starts: the command's own lines, and its ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator

import psutil  # type: ignore[import-untyped]
import pytest

from sequencer.errors import CheckStopped
from sequencer.pages.verifying import Check
from wattlane.cli.verify import _say_lines
from wattlane.verify_batch import Passed, VerificationFailed
from wattlane.verifying import checks_of, verifier

LINE = {"batch": 3, "proof": 1, "step": "replay", "holds": True, "found": "6", "seconds": 0.5}


def program(*lines: object, end: str = "") -> list[str]:
    said = "\n".join(json.dumps(line) for line in lines)
    return [sys.executable, "-c", f"import sys\nprint({said!r}, flush=True)\n{end}"]


async def collect(command: list[str], timeout_s: float = 60.0) -> list[Check]:
    return [one async for one in checks_of(command, dict(os.environ), timeout_s)]


async def test_steps_are_taken_from_the_commands_lines() -> None:
    found = await collect(program(LINE, {**LINE, "proof": None, "holds": False}, end="sys.exit(1)"))
    assert found == [Check("replay", 1, True, "6", 0.5), Check("replay", None, False, "6", 0.5)]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (program(LINE, end="sys.exit('first\\nerror: no connection to L1')"), "no connection"),
        (program({"step": "x"}), "senseless"),
        (program("hello"), "senseless"),
        (program(LINE, end="sys.exit(3)"), "status 3"),
    ],
    ids=["L1 is gone", "fields miss", "no object", "silent"],
)
async def test_a_check_that_ends_otherwise_says_nothing_of_the_batch(
    command: list[str], why: str
) -> None:
    with pytest.raises(CheckStopped, match=why):
        await collect(command)


async def test_the_process_ends_with_whoever_listens() -> None:
    here = psutil.Process()
    checks = checks_of(program(LINE, end="import time\ntime.sleep(600)"), dict(os.environ))
    await anext(checks)
    (child,) = [one for one in here.children() if "time.sleep(600)" in " ".join(one.cmdline())]
    await checks.aclose()  # type: ignore[attr-defined]
    assert not child.is_running()
    with pytest.raises(CheckStopped, match="longer"):
        await collect(program(LINE, end="import time\ntime.sleep(600)"), timeout_s=1.0)


async def test_urls_are_named_by_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []

    async def fake(command: list[str], environment: dict[str, str]) -> Iterator[Check]:
        seen.append((command, environment))
        await asyncio.sleep(0)
        return iter(())

    monkeypatch.setattr("wattlane.verifying.checks_of", fake)
    await verifier("http://user:secret@l1", "0x12", None, "http://beacon/secret")(7)  # type: ignore[misc]
    ((command, environment),) = seen
    assert "secret" not in " ".join(command)
    assert environment["WATTLANE_L1"] == "http://user:secret@l1"
    assert command[3:5] == ["verify-batch", "7"]
    assert environment["WATTLANE_BEACON"] == "http://beacon/secret"
    assert command[5:] == ["--contract", "0x12", "--lines"]


def test_the_command_says_a_line_a_check_and_one_for_the_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def checks() -> Iterator[Passed]:
        yield Passed(3, None, "data", "1 queue ops", 0.1)
        raise VerificationFailed(3, 1, "replay", "another root")

    with pytest.raises(VerificationFailed):
        _say_lines(checks())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["step"], one["proof"], one["holds"]) for one in lines] == [
        ("data", None, True),
        ("replay", 1, False),
    ]
    assert lines[1]["found"] == "another root"
