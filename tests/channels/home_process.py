"""One home as a process of its own on the tests' rollup: python -m tests.channels.home_process

Arguments: folder, URL of the rollup, compiled or plain, seconds to wait for a payee.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from channels.node import Node
from channels.passphrase import read_passphrase
from channels.process import run_node
from channels.settings import NodeSettings
from channels.wallet import Wallet
from tests.channels.rollup import RollupL1


def _say_ready(node: Node) -> None:
    print(json.dumps({"url": node.url}), flush=True)


def main(folder: Path, url: str, mode: str, timeout_s: float) -> None:
    """Run until killed."""
    settings = NodeSettings(
        poll_s=0.1, payment_timeout_s=timeout_s, use_compiled=mode == "compiled"
    )

    async def run() -> None:
        wallet = Wallet.load(folder, read_passphrase())
        await run_node(
            wallet,
            folder=folder,
            sequencer=url,
            l1=RollupL1(url),
            settings=settings,
            on_ready=_say_ready,
        )

    asyncio.run(run())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
