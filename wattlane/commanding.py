"""Commanding the node of a folder: the one that runs there, or one opened for a single command."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from channels.control_client import ControlClient
from channels.errors import NodeNotRunning


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a node needs that is not running yet; None where the user did not say."""

    folder: Path
    l1: str | None = None
    sequencer: str | None = None
    contract: str | None = None
    confirmations: int | None = None
    peers: Mapping[int, str] = field(default_factory=dict)


@asynccontextmanager
async def commanding(
    where: Surroundings, passphrase: Callable[[], str]
) -> AsyncIterator[ControlClient]:
    """A control connection. A node that is not running is opened, if L1 and sequencer are known.

    Raises NodeNotRunning where they are not, and what Wallet.load and Node.open raise.
    """
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(ControlClient.connect(where.folder))
        except NodeNotRunning:
            if where.l1 is None or where.sequencer is None:
                raise
            await _open(where, passphrase, stack)
            client = await stack.enter_async_context(ControlClient.connect(where.folder))
        yield client


async def _open(where: Surroundings, passphrase: Callable[[], str], stack: AsyncExitStack) -> None:
    from channels.control import ControlServer  # a node takes a second to load
    from channels.node import Node
    from channels.settings import NodeSettings
    from channels.wallet import Wallet

    assert where.sequencer is not None, "checked by the caller"
    print(f"no node runs in {where.folder}: opened for this command", file=sys.stderr)
    wallet = Wallet.load(where.folder, passphrase())
    node = await stack.enter_async_context(
        Node.open(
            wallet,
            sequencer=where.sequencer,
            l1=where.l1,
            contract=where.contract,
            folder=where.folder,
            peers=where.peers,
            settings=NodeSettings(confirmations=where.confirmations),
        )
    )
    await stack.enter_async_context(ControlServer.serving(node, where.folder))
