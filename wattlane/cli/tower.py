"""`wattlane tower`: watch over homes that are not always on."""

from __future__ import annotations

from typing import Annotated

import typer

from wattlane.cli.options import (
    Archive,
    Beacon,
    Confirmations,
    ContractAddress,
    Folder,
    L1Url,
    PassphraseFile,
    SequencerUrl,
    host_and_port,
    http_url,
)

app = typer.Typer(
    no_args_is_help=True,
    help="A watchtower: it keeps homes' latest vouchers and claims them where a neighbour closes "
    "a channel while the home is off, on L1 itself where the sequencer does not take the claim. "
    "It can steal nothing: a voucher pays the home, whoever submits it.",
)

Keepers = Annotated[
    list[str] | None,
    typer.Option(
        "--keeper",
        help="URL of another tower that keeps the keys of sealed vouchers; may be repeated.",
    ),
]


@app.command()
def run(
    folder: Folder,
    l1: L1Url,
    contract: ContractAddress,
    sequencer: SequencerUrl,
    listen: Annotated[
        str, typer.Option("--listen", help="HOST:PORT for homes; port 0 takes any.")
    ] = "127.0.0.1:0",
    keeper: Keepers = None,
    confirmations: Confirmations = None,
    max_fee_gwei: Annotated[
        int,
        typer.Option("--max-fee-gwei", min=0, help="The most that a forced claim may cost in fee."),
    ] = 1_000_000,
    least_gain_ntok: Annotated[
        int,
        typer.Option(
            "--least-gain-ntok", min=0, help="What a forced claim must bring the home at least."
        ),
    ] = 0,
    archive: Archive = None,
    beacon: Beacon = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Watch and serve until Ctrl-C or SIGTERM.

    The folder holds a wallet (`wattlane wallet new`), whose L1 account pays for forced claims and
    needs ether, and the vouchers. The tower replays L1 at its start, which takes a while. Put a
    server that speaks HTTPS in front of it: homes send their tokens.
    """
    import asyncio

    from channels.l1 import ContractL1
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from contracts.blob_places import blob_sources
    from watchtower.daemon import TowerSettings, run_tower

    wallet = Wallet.load(folder, read_passphrase(passphrase_file))
    settings = TowerSettings(
        folder=folder,
        sequencer=sequencer,
        listen=host_and_port(listen),
        keepers=tuple(url for one in keeper or [] if (url := http_url(one)) is not None),
        max_queue_fee_wei=max_fee_gwei * 10**9,
        least_gain_ntok=least_gain_ntok,
    )
    blobs = blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    view = ContractL1(l1, contract, wallet.l1_account, confirmations=confirmations, blobs=blobs)

    async def main() -> None:
        domain = await view.domain()
        await run_tower(settings, view, domain, lambda url: typer.echo(f"watches on {url}"))

    asyncio.run(main())


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Whose token it is; a second one ends the first.")],
    folder: Folder,
    lanes: Annotated[
        int, typer.Option("--lanes", min=1, help="How many channels it is good for.")
    ] = 1_000,
) -> None:
    """Make a token for a home, which it needs to hand over vouchers. The tower must not run.

    It is shown once; the home puts it into the file that `wattlane node run --towers` reads.
    """
    from watchtower.store import TowerStore

    store = TowerStore(folder)
    try:
        typer.echo(f"token        {store.add_client(name, lanes)}")
    finally:
        store.close()
