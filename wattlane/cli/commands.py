"""How commands reach the node of a folder: shared options, and one place that runs them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from wattlane.cli.options import http_url, peer_address

if TYPE_CHECKING:
    from channels.control_client import ControlClient

T = TypeVar("T")

OwnL1 = Annotated[
    str | None,
    typer.Option(
        "--l1",
        envvar="WATTLANE_L1",
        callback=http_url,
        help="URL of your L1 node: needed, as the sequencer's, only where no node is running.",
    ),
]
OwnSequencer = Annotated[
    str | None,
    typer.Option(
        "--sequencer", envvar="WATTLANE_SEQUENCER", callback=http_url, help="The sequencer's URL."
    ),
]
Peers = Annotated[
    list[str] | None,
    typer.Option("--peer", help="ACCOUNT=ws://HOST:PORT of a neighbour; may be repeated."),
]


def command(
    act: Callable[[ControlClient], Awaitable[T]],
    folder: Path,
    l1: str | None,
    sequencer: str | None,
    confirmations: int | None,
    passphrase_file: Path | None,
    peer: Sequence[str] | None = None,
) -> T:
    """Run one command at the folder's node. Raises what the command and the node raise."""
    from channels.passphrase import read_passphrase
    from wattlane.commanding import Surroundings, commanding

    where = Surroundings(
        folder=folder,
        l1=l1,
        sequencer=sequencer,
        confirmations=confirmations,
        peers=dict(peer_address(one) for one in peer or []),
    )

    async def run() -> T:
        async with commanding(where, lambda: read_passphrase(passphrase_file)) as node:
            for index, url in where.peers.items():
                await node.add_peer(index, url)
            return await act(node)

    return asyncio.run(run())
