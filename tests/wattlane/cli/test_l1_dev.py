"""`wattlane l1 dev`: contracts deployed once, state kept from run to run, ended by Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.chain import ChainUnavailable
from contracts.chain.anvil import anvil_binary
from contracts.reader import RollupReader
from tests.wattlane.cli.running import assert_one_line, environment, wattlane

FUNDED = "0x" + "5a" * 20


@pytest.fixture(autouse=True)
def _needs_anvil() -> None:
    try:
        anvil_binary()
    except ChainUnavailable as error:
        pytest.skip(f"`l1 dev` runs anvil: {error}")


@contextmanager
def _running(folder: Path, *options: str) -> Iterator[dict[str, str]]:
    """What it printed once it serves; ended by Ctrl-C."""
    command = [sys.executable, "-m", "wattlane", "l1", "dev", "--folder", str(folder)]
    process = subprocess.Popen(
        [*command, "--port", "0", *options],
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    said: dict[str, str] = {}
    try:
        for line in process.stdout:
            name, _, rest = line.strip().partition("  ")
            said[name] = rest.strip()
            if "Ctrl-C" in line:
                break
        yield said
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_contracts_and_balances_are_there_after_a_restart(tmp_path: Path) -> None:
    with _running(tmp_path, "--fund", FUNDED) as first:
        assert "contracts deployed" in first
        reader = RollupReader(first["L1"], first["contract"])
        domain = reader.settings().domain
        held = reader.rpc.quantity("eth_getBalance", FUNDED, "latest")
        block = reader.latest_block().number
        assert held == 10**18
    with _running(tmp_path) as second:
        assert "contracts deployed" not in second
        assert (second["contract"], second["token"]) == (first["contract"], first["token"])
        again = RollupReader(second["L1"], second["contract"])
        assert again.settings().domain == domain
        assert again.rpc.quantity("eth_getBalance", FUNDED, "latest") == held
        assert again.latest_block().number >= block
    (tmp_path / "deployment.json").write_text("{")
    done = wattlane("l1", "dev", "--folder", str(tmp_path), "--port", "0")
    assert done.returncode == 1
    assert "deployment.json is damaged; delete it" in done.stderr.splitlines()[-1]


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = wattlane("l1", "dev", "--folder", str(tmp_path), "--port", port)
    assert_one_line(done, 1, port)
