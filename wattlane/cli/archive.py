"""`wattlane archive`: keep a rollup's blobs, because the network will not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattlane.cli.options import (
    Beacon,
    BlobSequencer,
    Confirmations,
    ContractAddress,
    FromBlock,
    L1Url,
)

To = Annotated[
    Path,
    typer.Option(
        "--to",
        envvar="WATTLANE_ARCHIVE",
        help="The folder: a file a blob, named by the hash that L1 has of it.",
    ),
]
Follow = Annotated[
    bool, typer.Option("--follow", help="Go on as L1 does, until Ctrl-C or SIGTERM.")
]
FOLLOW_S = 12.0


def keep_blobs(
    l1: L1Url,
    contract: ContractAddress,
    to: To = Path("wattlane-blobs"),
    follow: Follow = False,
    from_block: FromBlock = 0,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
    confirmations: Confirmations = None,
) -> None:
    """Keep every blob of a rollup in a folder: the network drops them after 18 days.

    Each is checked against the hash that L1 has before it is kept. Run it again, or with --follow,
    to go on from where it was; `wattlane rebuild` and `verify-batch` read the folder (--archive).
    Exit status 1 where a blob could not be had any more.
    """
    from contracts.blob_archive import BlobArchive
    from contracts.blob_places import blob_sources
    from contracts.finality import FINALIZED, Finality
    from contracts.reader import RollupReader
    from wattlane.archiving import Archiver
    from wattlane.cli.following import repeat
    from wattlane.cli.progress import shown_progress

    finality = FINALIZED if confirmations is None else Finality(confirmations)
    archive = BlobArchive(to)
    sources = blob_sources(l1, sequencer=sequencer, beacon=beacon)
    reader = RollupReader(l1, contract, finality=finality)
    archiver = Archiver(reader, archive, sources, from_block)
    typer.echo(f"archive of {contract} in {to}: {archive.count()} blobs", err=True)

    def once() -> bool:
        with shown_progress() as progress:
            done = archiver.run(progress)
        for error in done.missing:
            typer.echo(f"missing: {error}", err=True)
        if done.kept or done.missing or not follow:
            typer.echo(f"{done.kept} new, {done.held} held, {len(done.missing)} missing")
        return not done.missing

    if follow:
        repeat(once, FOLLOW_S)
    elif not once():
        raise typer.Exit(1)
