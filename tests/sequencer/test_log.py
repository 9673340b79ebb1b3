"""Whatever speaks in a process that logs, speaks plainly and without secrets, even when it dies."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SECRET = "correct horse battery"
PROGRAM = f"""
import logging, sys, threading, warnings
import structlog
from contracts.redaction import Redaction
from sequencer.log import LogFormat, log_to_stderr

log_to_stderr(Redaction([{SECRET!r}]), LogFormat(sys.argv[1]))
structlog.get_logger("ours").info("said", why="{SECRET}", count=3)
structlog.get_logger("ours").debug("too much")
logging.getLogger("urllib3").warning("retrying %s", "http://l1/v3/{SECRET}")
warnings.warn("old {SECRET}")
def fail():
    local = "{SECRET}"
    raise RuntimeError("no {SECRET}")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
try:
    fail()
except RuntimeError:
    structlog.get_logger("ours").warning("failed", exc_info=True)
fail()
"""


def stderr(log_format: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, log_format], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_nothing_that_a_process_says_holds_a_secret(log_format: str) -> None:
    said = stderr(log_format)
    assert "horse" not in said
    for part in ("said", "retrying", "old [hidden]", "RuntimeError: no [hidden]", "crashed"):
        assert part in said
    assert said.count("RuntimeError: no [hidden]") == 3
    assert "too much" not in said


def test_a_log_for_machines_is_an_object_a_line() -> None:
    lines = [json.loads(line) for line in stderr("json").splitlines()]
    assert len(lines) == 6
    assert lines[0]["count"] == 3
    assert lines[1]["logger"] == "urllib3"
    assert {line["level"] for line in lines} == {"info", "warning", "critical"}
