"""One home's node as a process of its own, on the tests' rollup."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channels.process import run_node
from channels.settings import NodeSettings
from channels.wallet import Wallet
from tests.channels.rollup import RollupL1

PASSPHRASE = "correct horse battery"
ALL = 1_000_000
"""Bills kept: a test compares every payment."""


def main(folder: Path, url: str, use_compiled: bool, timeout_s: float) -> None:
    """Run the node of the wallet in `folder` until stopped or killed."""
    settings = NodeSettings(
        poll_s=0.1, payment_timeout_s=timeout_s, use_compiled=use_compiled, bills_kept=ALL
    )

    async def run() -> None:
        wallet = Wallet.load(folder, PASSPHRASE)
        l1 = RollupL1(url, int(wallet.l1_address, 16))
        await run_node(wallet, folder=folder, sequencer=url, l1=l1, settings=settings)

    asyncio.run(run())
