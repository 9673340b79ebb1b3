"""docs/tutorial.md, run as it stands: every block, in order, in one shell; proofs simulated."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.chain import ChainUnavailable
from contracts.chain.anvil import anvil_binary
from tests.wattlane.cli.running import environment

ROOT = Path(__file__).parents[3]
TUTORIAL = ROOT / "docs" / "tutorial.md"
PORTS = ("8545", "8645", "8701", "8702")
TIMEOUT_S = 550


@pytest.fixture(autouse=True)
def _needs_anvil() -> None:
    try:
        anvil_binary()
    except ChainUnavailable as error:
        pytest.skip(f"the tutorial runs anvil: {error}")


@pytest.fixture
def commands(tmp_path: Path) -> dict[str, str]:
    """An environment whose `wattlane` is the tree's own."""
    shim = tmp_path / "bin" / "wattlane"
    shim.parent.mkdir()
    shim.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m tests.support.simulating_wattlane "$@"\n'
    )
    shim.chmod(0o700)
    paths = os.pathsep.join([str(shim.parent), os.environ["PATH"]])
    return environment(PATH=paths, PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1")


def free_ports(count: int) -> list[str]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def script() -> str:
    """All blocks of the tutorial, each command shown before it runs, ended by the first failure."""
    text = TUTORIAL.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 10
    joined = "\n".join(blocks)
    for port, free in zip(PORTS, free_ports(len(PORTS)), strict=True):
        assert port in joined
        joined = re.sub(rf"\b{port}\b", free, joined)
    return "set -e -o pipefail\n" + joined


def test_the_tutorial_does_what_it_says(commands: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["bash", "-c", script()],
        cwd=tmp_path,
        env=commands,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=TIMEOUT_S)
    finally:
        stop_all(process)
    logs = {path.name: path.read_text() for path in (tmp_path / "street").glob("*.log")}
    assert process.returncode == 0, f"{said}\n{logs}"
    for line in (
        "paid 0.072000000 tokens for 400 Wh",  # step 8
        "received 0.074160000 for 0.412 kWh",
        "closed",  # step 9
        "final on L1  1.074160000",
        "1.000000000 tokens are on L1",
        "final on L1  0.0741",
        "the same as L1's",  # step 10
        "the same as the contract's",
    ):
        assert line in said, f"{line!r} is missing in {said}"
    verified = re.search(r"(\d+) batches with (\d+) proofs verified", said)
    assert verified is not None
    assert int(verified[1]) >= 4


def stop_all(process: subprocess.Popen[str]) -> None:
    """End the shell and whatever it left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
