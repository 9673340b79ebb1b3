"""A node's process ends by a signal at any time, with its folder free for the next one."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from channels.node import Node
from channels.process import run_node
from channels.wallet import Wallet
from tests.channels.conftest import FAST, PASSPHRASE, OpenNode
from tests.channels.rollup import Rollup, RollupL1

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
