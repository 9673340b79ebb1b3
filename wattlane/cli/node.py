"""`wattlane node`: run a home's node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattlane.cli.options import (
    DEFAULT_FOLDER,
    Archive,
    Beacon,
    Confirmations,
    Folder,
    L1Url,
    MaybeContract,
    PassphraseFile,
    SequencerUrl,
    host_and_port,
    peer_address,
)

app = typer.Typer(no_args_is_help=True, help="Run a home's node.")

Listen = Annotated[
    str, typer.Option("--listen", help="HOST:PORT for neighbours' WebSockets; port 0 takes any.")
]
Peers = Annotated[
    list[str] | None,
    typer.Option("--peer", help="ACCOUNT=ws://HOST:PORT of a neighbour; may be repeated."),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait-for-account", min=0, help="Seconds to wait until L1 holds the account final."
    ),
]

Towers = Annotated[
    Path | None,
    typer.Option(
        "--towers",
        envvar="WATTLANE_TOWERS",
        help="JSON file (mode 600) with this home's watchtowers: "
        '[{"url": ..., "token": ..., "keeper": {"url": ..., "token": ...}}]. With a keeper, '
        "vouchers are sealed: the tower cannot read them before the keeper sees a close.",
    ),
]
MaxFee = Annotated[
    int,
    typer.Option("--max-fee-gwei", min=0, help="The most that a forced op on L1 may cost in fee."),
]


@app.command()
def run(
    l1: L1Url,
    sequencer: SequencerUrl,
    contract: MaybeContract = None,
    folder: Folder = DEFAULT_FOLDER,
    listen: Listen = "127.0.0.1:0",
    peer: Peers = None,
    confirmations: Confirmations = None,
    wait_for_account: Wait = 0.0,
    towers: Towers = None,
    max_fee_gwei: MaxFee = 1_000_000,
    passphrase_file: PassphraseFile = None,
    archive: Archive = None,
    beacon: Beacon = None,
) -> None:
    """Run the node of the wallet in a folder, until Ctrl-C or SIGTERM.

    It watches its channels, takes neighbours' vouchers (on disk before they are acknowledged),
    claims what it is owed and finishes what it began, also after a crash. What the sequencer does
    not bring into a final root in time it brings to L1 itself, for a fee in ether. `wattlane
    channel ...` and `wattlane balance` command it while it runs.
    """
    import asyncio

    from channels.node import Node
    from channels.passphrase import read_passphrase
    from channels.process import run_node
    from channels.settings import NodeSettings
    from channels.towers import read_towers
    from channels.wallet import Wallet

    peers = dict(peer_address(one) for one in peer or [])
    settings = NodeSettings(
        confirmations=confirmations,
        account_timeout_s=wait_for_account,
        archive=archive,
        beacon=beacon,
        towers=() if towers is None else read_towers(towers),
        max_queue_fee_wei=max_fee_gwei * 10**9,
    )
    wallet = Wallet.load(folder, read_passphrase(passphrase_file))

    def say_ready(node: Node) -> None:
        typer.echo(f"account {node.account_index} listens on {node.url}")

    asyncio.run(
        run_node(
            wallet,
            folder=folder,
            sequencer=sequencer,
            l1=l1,
            contract=contract,
            listen=host_and_port(listen),
            peers=peers,
            settings=settings,
            on_ready=say_ready,
        )
    )
