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

app = typer.Typer(no_args_is_help=True, help="Run a home's node, and keep its records safe.")

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


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; one that is there is replaced.")],
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Write a backup: the wallet and the node's records in one file, under the wallet's passphrase.

    The node may run or not. However old it is when it is needed, no money that was paid is lost
    with it: at most income that was not claimed yet, and that too comes back from neighbours that
    show it.
    """
    from channels.backups import back_up
    from channels.passphrase import read_passphrase

    saved = back_up(folder, file, read_passphrase(passphrase_file))
    typer.echo(f"account {saved.account_index}, {saved.channels} channels: {saved.path}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.")],
    folder: Folder = DEFAULT_FOLDER,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Put a backup back into a folder that has no records, or damaged ones (these are kept beside).

    The node then asks its neighbours what it has forgotten before it signs, and accepts nothing
    for 26 hours in the channels that the backup knows. Never run the old copy again.
    """
    from channels.backups import restore as put_back
    from channels.passphrase import read_passphrase

    saved = put_back(folder, file, read_passphrase(passphrase_file))
    typer.echo(f"account {saved.account_index}, {saved.channels} channels: {saved.path}")


@app.command()
def recover(
    folder: Folder = DEFAULT_FOLDER,
    yes: Annotated[bool, typer.Option("--yes", help="No other copy of this node runs.")] = False,
) -> None:
    """Keep this copy of a node that has stopped itself, or whose folder was copied back by hand.

    As after `restore`: it asks its neighbours before it signs.
    """
    from channels.backups import recover as keep

    if not yes:
        typer.confirm("No other copy of this node runs, or ever will?", abort=True)
    typer.echo(f"{keep(folder)} channels ask before they sign; start the node")
