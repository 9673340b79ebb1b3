"""A node's process ends by a signal at any time, with its folder free for the next one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from channels.log import log_to_file
from channels.node import Node
from channels.process import run_node
from channels.wallet import Wallet
from tests.channels.conftest import FAST, PASSPHRASE, OpenNode
from tests.channels.rollup import Rollup, RollupL1

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture
def own_log() -> Iterator[None]:
    """A log that the test configures; as before it afterwards."""
    before, was_configured = structlog.get_config(), structlog.is_configured()
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    if was_configured:
        structlog.configure(**before)


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_a_node_that_serves(
    open_node: OpenNode, rollup: Rollup, wallets: list[Wallet], tmp_path: Path, number: int
) -> None:
    seen: list[str] = []

    def interrupt(node: Node) -> None:
        seen.append(node.url)
        os.kill(os.getpid(), number)

    folder = tmp_path / "node0"
    l1 = RollupL1(rollup.url)
    running = run_node(
        wallets[0], folder=folder, sequencer=rollup.url, l1=l1, settings=FAST, on_ready=interrupt
    )
    await asyncio.wait_for(running, 120)
    assert seen
    assert not (folder / "control.json").exists()
    async with open_node(0):  # neither the folder's lock nor anything else is left
        pass


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_a_node_that_still_waits_for_its_account(
    rollup: Rollup, tmp_path: Path, number: int
) -> None:
    wallet, _ = Wallet.create(tmp_path, PASSPHRASE)
    waiting = replace(FAST, account_timeout_s=600)
    l1 = RollupL1(rollup.url)
    running = asyncio.create_task(
        run_node(wallet, folder=tmp_path, sequencer=rollup.url, l1=l1, settings=waiting)
    )
    await asyncio.sleep(0.2)
    assert not running.done()
    os.kill(os.getpid(), number)
    await asyncio.wait_for(running, 120)
    assert not (tmp_path / "control.json").exists()


async def test_a_cancellation_that_no_signal_caused_is_passed_on(
    rollup: Rollup, tmp_path: Path
) -> None:
    wallet, _ = Wallet.create(tmp_path, PASSPHRASE)
    waiting = replace(FAST, account_timeout_s=600)
    l1 = RollupL1(rollup.url)
    running = asyncio.create_task(
        run_node(wallet, folder=tmp_path, sequencer=rollup.url, l1=l1, settings=waiting)
    )
    await asyncio.sleep(0.2)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_the_service_manager_hears_that_it_is_ready_alive_and_stopping(
    rollup: Rollup, wallets: list[Wallet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        folder, loop = tmp_path / "node0", asyncio.get_running_loop()
        l1 = RollupL1(rollup.url)
        running = asyncio.create_task(
            run_node(wallets[0], folder=folder, sequencer=rollup.url, l1=l1, settings=FAST)
        )
        async with asyncio.timeout(60):
            heard = [await loop.sock_recv(manager, 100) for _ in range(3)]
            os.kill(os.getpid(), signal.SIGTERM)
            await running
            while heard[-1] != b"STOPPING=1":
                heard.append(await loop.sock_recv(manager, 100))
        assert heard[0] == b"READY=1\nSTATUS=account 0"
        assert set(heard[1:-1]) == {b"WATCHDOG=1"}


async def test_a_log_on_a_full_disk_stops_no_payment(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path, own_log: None
) -> None:
    """/dev/full refuses every write as a full disk does."""
    path = tmp_path / "node.log"
    path.symlink_to("/dev/full")
    log = log_to_file(path, "debug", 100_000, 2)
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ben.open_channel(0, deposit_ntok=1_000, window_s=86_400)
        await channel.pay(energy_wh=1, price_utok_per_kwh=10)
        rollup.l1_is_down = True  # of which each round complains
        await ann._rounds.once()
        assert log.lost > 0, "nothing was logged, so nothing was lost"
        rollup.l1_is_down = False
        await channel.pay(energy_wh=2, price_utok_per_kwh=10)
        path.unlink()
        structlog.get_logger("test").warning("writable again", vouchers=2)
        assert ann.channel(channel.id).info.paid_in_ntok == 30
    log.close()
    lines = path.read_text().splitlines()
    assert "lines were lost here" in lines[0]
    assert any('event="writable again" vouchers=2' in line for line in lines)
