"""A node as a process of its own: it serves its control port until SIGTERM, SIGINT or `stop`.

Where a service manager started it, that one hears when it is ready, alive and stopping.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from channels.control import ControlServer
from channels.l1 import L1
from channels.node import Node
from channels.settings import NodeSettings
from channels.wallet import Wallet
from contracts.service_notices import READY, STOPPING, keep_alive, says, tell

_log = structlog.get_logger(__name__)


def keep_collections_short() -> None:
    """Leave what is loaded by now, which lives as long as the process, to no further collection.

    A full collection of a node's modules took a quarter of a second, in which it answered nobody.
    """
    gc.collect()
    gc.freeze()


async def run_node(
    wallet: Wallet,
    *,
    folder: Path,
    sequencer: str,
    l1: str | L1 | None = None,
    contract: str | None = None,
    listen: tuple[str, int] = ("127.0.0.1", 0),
    peers: Mapping[int, str] | None = None,
    settings: NodeSettings | None = None,
    on_ready: Callable[[Node], None] | None = None,
) -> None:
    """Run until SIGTERM, SIGINT or the stop command, also while the node still waits to open.

    Parameters and errors as `Node.open`. Raises StoreFailed where the disk takes no more.
    """
    stop, loop, this = asyncio.Event(), asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None

    def give_up() -> None:
        stop.set()
        this.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, give_up)
    opening = Node.open(
        wallet,
        sequencer=sequencer,
        l1=l1,
        contract=contract,
        folder=folder,
        listen=listen,
        peers=peers,
        settings=settings,
    )
    async with AsyncExitStack() as stack:
        try:
            node = await stack.enter_async_context(opening)
        except asyncio.CancelledError:
            if stop.is_set():
                return
            raise
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        control = await stack.enter_async_context(ControlServer.serving(node, folder))
        keep_collections_short()
        if on_ready is not None:
            on_ready(node)
        tell(READY, says(f"account {node.account_index}"))
        _log.info("node runs", account=node.account_index, url=node.url, folder=str(folder))
        alive = asyncio.create_task(keep_alive(lambda: True))
        stack.callback(alive.cancel)
        waits = [
            asyncio.create_task(one)
            for one in (control.stopped.wait(), stop.wait(), node.until_failed())
        ]
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        tell(STOPPING)
        _log.info("node stops", account=node.account_index)
        for one in pending:
            one.cancel()
        for one in done:
            one.result()
