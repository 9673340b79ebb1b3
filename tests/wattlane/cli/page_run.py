"""A page of docs/ as it stands: its blocks, in order, in one shell, with proofs simulated."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.chain import ChainUnavailable
from contracts.chain.anvil import anvil_binary
from tests.support.forking_wattlane import SIMULATING
from tests.wattlane.cli.running import command_line, environment

ROOT = Path(__file__).parents[3]
TIMEOUT_S = 550


def run_page(name: str, ports: Sequence[str], place: Path) -> str:
    """What docs/NAME said when its blocks ran in the folder `place`; fails with the first of them.

    `ports`: those that the page listens on; free ones take their places.
    """
    try:
        anvil_binary()
    except ChainUnavailable as error:
        pytest.skip(f"{name} runs anvil: {error}")
    process = subprocess.Popen(
        ["bash", "-c", _script(ROOT / "docs" / name, ports)],
        cwd=place,
        env=_commands(place / "bin"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = ""
    try:
        said, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode() + "\nit did not end"
    finally:
        _stop_all(process)
    logs = {path.name: path.read_text() for path in place.glob("*/*.log")}
    assert process.returncode == 0, f"{said}\n{logs}"
    return said


def _commands(folder: Path) -> dict[str, str]:
    """An environment whose `wattlane` is the tree's own."""
    folder.mkdir()
    shim = folder / "wattlane"
    shim.write_text(f'#!/bin/sh\nexec {shlex.join(command_line(SIMULATING))} "$@"\n')
    shim.chmod(0o700)
    paths = os.pathsep.join([str(folder), os.environ["PATH"]])
    return environment(PATH=paths, PYTHONPATH=str(ROOT), PYTHONUNBUFFERED="1")


def _script(page: Path, ports: Sequence[str]) -> str:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) > 10
    joined = "\n".join(blocks)
    for port, free in zip(ports, _free_ports(len(ports)), strict=True):
        assert port in joined
        joined = re.sub(rf"\b{port}\b", free, joined)
    return "set -e -o pipefail\n" + joined


def _free_ports(count: int) -> list[str]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _stop_all(process: subprocess.Popen[str]) -> None:
    """End the shell and whatever it left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
