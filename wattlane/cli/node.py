"""`wattlane node`: run a home's node, and its settings."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.options import (
    DEFAULT_FOLDER,
    Archive,
    Beacon,
    Confirmations,
    Folder,
    MaybeContract,
    PassphraseFile,
    host_and_port,
    http_url,
    peer_address,
)

if TYPE_CHECKING:
    from wattlane.node_settings import NodeFile

app = typer.Typer(no_args_is_help=True, help="Run a home's node, and keep its records safe.")

OwnL1 = Annotated[
    str | None,
    typer.Option(
        "--l1", envvar="WATTLANE_L1", callback=http_url, help="URL of your own L1 node (JSON-RPC)."
    ),
]
OwnSequencer = Annotated[
    str | None,
    typer.Option(
        "--sequencer", envvar="WATTLANE_SEQUENCER", callback=http_url, help="URL of the sequencer."
    ),
]
Listen = Annotated[
    str | None,
    typer.Option(
        "--listen",
        help="HOST:PORT for neighbours' WebSockets; port 0 takes any. Without it: 127.0.0.1:0.",
    ),
]
Peers = Annotated[
    list[str] | None,
    typer.Option("--peer", help="ACCOUNT=ws://HOST:PORT of a neighbour; may be repeated."),
]
Wait = Annotated[
    float | None,
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
    int | None,
    typer.Option("--max-fee-gwei", min=0, help="The most that a forced op on L1 may cost in fee."),
]
RelayChoice = Annotated[
    str | None,
    typer.Option(
        "--relay",
        metavar="auto|always|never",
        envvar="WATTLANE_RELAY",
        help="Meet neighbours through the sequencer's relay: where they cannot be dialled (auto), "
        "them all (always, and listen nowhere), or nobody (never).",
    ),
]
Log = Annotated[
    str | None,
    typer.Option(
        "--log",
        envvar="WATTLANE_LOG",
        help="Where the log goes: stderr, or a file in the folder, rotated by size.",
    ),
]
Page = Annotated[
    bool | None,
    typer.Option(
        "--page/--no-page",
        help="Serve the household's own page on this machine: its day, its channels, the way out. "
        "The link is printed, and kept in page.json in the folder.",
    ),
]
PagePort = Annotated[
    int | None,
    typer.Option("--page-port", min=0, max=65_535, help="The page's port; 0 takes any. [8650]"),
]
PublishFlows = Annotated[
    bool | None,
    typer.Option(
        "--publish-flows/--no-publish-flows",
        help="Tell the sequencer what this home buys, signed, for its live picture. Others see it.",
    ),
]


@app.command()
def run(
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    contract: MaybeContract = None,
    folder: Folder = DEFAULT_FOLDER,
    listen: Listen = None,
    peer: Peers = None,
    confirmations: Confirmations = None,
    wait_for_account: Wait = None,
    towers: Towers = None,
    max_fee_gwei: MaxFee = None,
    passphrase_file: PassphraseFile = None,
    archive: Archive = None,
    beacon: Beacon = None,
    relay: RelayChoice = None,
    log: Log = None,
    page: Page = None,
    page_port: PagePort = None,
    publish_flows: PublishFlows = None,
) -> None:
    """Run the node of the wallet in a folder, until Ctrl-C or SIGTERM.

    It watches its channels, takes neighbours' vouchers (on disk before they are acknowledged),
    claims what it is owed and finishes what it began, also after a crash. What the sequencer does
    not bring into a final root in time it brings to L1 itself, for a fee in ether. `wattlane
    channel ...` and `wattlane balance` command it while it runs. Options come from node.toml too
    (`wattlane node init`); as a service: `wattlane service print node`.
    """
    import asyncio

    from channels.log import log_to_file, log_to_stderr
    from channels.node import Node
    from channels.passphrase import read_passphrase
    from channels.process import run_node
    from channels.wallet import Wallet
    from wattlane.node_settings import load_node_file

    given = load_node_file(
        folder,
        l1=l1,
        sequencer=sequencer,
        contract=contract,
        listen=listen,
        peers=_peers(peer),
        confirmations=confirmations,
        wait_for_account=wait_for_account,
        towers=towers,
        max_fee_gwei=max_fee_gwei,
        passphrase_file=passphrase_file,
        archive=archive,
        beacon=beacon,
        relay=relay,
        log=log,
        page=page,
        page_port=page_port,
        publish_flows=publish_flows,
    )
    if given.l1 is None or given.sequencer is None:
        missing = "--l1" if given.l1 is None else "--sequencer"
        raise typer.BadParameter(f"{missing}, its environment variable or node.toml must say it")
    path = given.log_path(folder)
    wallet = Wallet.load(folder, read_passphrase(given.passphrase_file))
    if path is None:
        log_to_stderr(given.log_level)
    else:
        log_to_file(path, given.log_level, given.log_bytes, given.log_files)

    def say_ready(node: Node) -> None:
        reached = f"listens on {node.url}" if node.url else "is reached through the relay"
        typer.echo(f"account {node.account_index} {reached}")

    running = partial(
        run_node,
        wallet,
        folder=folder,
        sequencer=given.sequencer,
        l1=given.l1,
        contract=given.contract,
        listen=host_and_port(given.listen),
        peers=given.peers,
        settings=given.node_settings(),
        on_ready=say_ready,
    )
    if not given.page:
        asyncio.run(running())
        return
    from wattlane.household.outlook import Household
    from wattlane.household.serving import page_served

    home = Household(folder, given.sequencer, given.l1, given.contract, given.confirmations)

    async def with_page() -> None:
        async with page_served(home, given.page_port) as link:
            typer.echo(f"page {link}")
            await running()

    asyncio.run(with_page())


@app.command()
def init(
    l1: OwnL1 = None,
    sequencer: OwnSequencer = None,
    contract: MaybeContract = None,
    folder: Folder = DEFAULT_FOLDER,
    listen: Listen = None,
    peer: Peers = None,
    confirmations: Confirmations = None,
    towers: Towers = None,
    passphrase_file: PassphraseFile = None,
    relay: RelayChoice = None,
    log: Log = "node.log",
) -> None:
    """Write node.toml into a home's folder: what is given here, and every default as a comment."""
    from channels.wallet import FILE_NAME as KEYSTORE
    from wattlane.node_settings import load_node_file, write_node_file

    given: NodeFile = load_node_file(
        folder,
        l1=l1,
        sequencer=sequencer,
        contract=contract,
        listen=listen,
        peers=_peers(peer),
        confirmations=confirmations,
        towers=towers,
        passphrase_file=passphrase_file,
        relay=relay,
        log=log,
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    typer.echo(f"written      {write_node_file(folder, given)}")
    if not (folder / KEYSTORE).exists():
        typer.echo(f"next         wattlane wallet new --folder {folder}")
    typer.echo(f"run          wattlane node run --folder {folder}")
    typer.echo(f"as a service wattlane service print node --folder {folder}")


@app.command()
def config(folder: Folder = DEFAULT_FOLDER) -> None:
    """Show the settings that `wattlane node run` would use, and where each comes from."""
    from wattlane.node_settings import NodeFile, load_node_file, source_of

    given = load_node_file(folder)
    for name in NodeFile.model_fields:
        value = getattr(given, name)
        shown = "-" if value is None or value == {} else str(value)
        typer.echo(f"{name:<17}{shown:<45} {source_of(folder, name)}")


@app.command()
def backup(
    file: Annotated[
        Path, typer.Argument(help="The file to write; it may replace a backup, and nothing else.")
    ],
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


def _peers(given: list[str] | None) -> dict[int, str] | None:
    return None if given is None else dict(peer_address(one) for one in given)
