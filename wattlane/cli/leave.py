"""`wattlane exit`: leave the rollup with L1 and one's own files alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.options import (
    DEFAULT_CHECKPOINTS,
    DEFAULT_FOLDER,
    Archive,
    Beacon,
    BlobSequencer,
    Checkpoints,
    Confirmations,
    ContractAddress,
    Folder,
    L1Url,
    PassphraseFile,
)

if TYPE_CHECKING:
    from wattlane.leaving import Step

Witnesses = Annotated[
    bool,
    typer.Option(
        "--witnesses",
        help="Do not rebuild the state: use the Merkle witnesses that the home's node has kept. "
        "Without this they are used only where L1's data cannot be had.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be done; send nothing.")
]
ExitKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--exit-key",
        help="The exit circuit's key (exit.zkey). Without it: the one that the home's node keeps "
        "in its folder, or this machine's own.",
    ),
]


def leave(
    l1: L1Url,
    contract: ContractAddress,
    folder: Folder = DEFAULT_FOLDER,
    witnesses: Witnesses = False,
    dry_run: DryRun = False,
    exit_key: ExitKeyFile = None,
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    confirmations: Confirmations = None,
    archive: Archive = None,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Leave with everything, with nobody's help: account, channels, deposits not yet taken in.

    Where the oldest op in the queue is more than seven days old, this starts the exodus: the
    rollup ends with its last root, and everyone proves to the contract what is theirs in it. For
    14 days vouchers count; then channels are settled. Run it again whenever it says so, or as
    often as you like: it does what is left to do. It needs ether for gas.
    """
    from channels.books import find_books
    from channels.passphrase import read_passphrase
    from channels.wallet import Wallet
    from contracts.blob_places import blob_sources
    from contracts.client import RollupClient
    from contracts.finality import FINALIZED, Finality
    from contracts.reader import RollupReader
    from protocol.crypto import compiled
    from wattlane.cli.progress import shown_progress
    from wattlane.exit_prover import ExitProver
    from wattlane.exiting import Leaver, look
    from wattlane.gathering import Gatherer
    from wattlane.leaving import describe, foreseen, plan
    from wattlane.state_file import rebuild_from_checkpoint
    from wattlane.times import show_time

    owner, say = Wallet.show(folder)["l1_address"], partial(typer.echo, err=True)
    finality = FINALIZED if confirmations is None else Finality(confirmations)
    blobs = blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    reader = RollupReader(l1, contract, finality=finality, blobs=blobs)
    compiled.install()
    with shown_progress() as progress:
        follow = partial(rebuild_from_checkpoint, reader, checkpoints, progress=progress, say=say)
        gather = Gatherer(reader, owner, find_books(folder), follow, witnesses, say)
        if dry_run:
            holdings = gather()
            standing = look(reader, reader.exodus(), holdings, owner)
            for step in foreseen(holdings, standing).steps:
                typer.echo(f"would do  {describe(step)}")
            left = plan(holdings, standing)
        else:
            wallet = Wallet.load(folder, read_passphrase(passphrase_file))
            client = RollupClient(l1, contract, wallet.l1_account, finality=finality)
            exodus = client.exodus_client()
            prover = ExitProver(exodus, exit_key, folder, progress)
            left = Leaver(client, exodus, prover, _tell).run(gather)
    for one in left.later:
        typer.echo(f"later     {one.what}, from {show_time(one.at)} on: run this again then")
    if not left.later and not left.steps:
        typer.echo("nothing is left to do")


def _tell(step: Step) -> None:
    from wattlane.leaving import describe

    typer.echo(f"done      {describe(step)}")
