"""`wattlane rebuild`: the whole state from L1 alone, asking and believing nobody else."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from wattlane.cli.options import (
    DEFAULT_CHECKPOINTS,
    Archive,
    Beacon,
    BlobSequencer,
    Checkpoints,
    Confirmations,
    ContractAddress,
    L1Url,
)

Out = Annotated[
    Path, typer.Option("--out", help="Where the state goes: the root and all leaves, as JSON.")
]


def rebuild(
    l1: L1Url,
    contract: ContractAddress,
    out: Out = Path("wattlane-state.json"),
    checkpoints: Checkpoints = DEFAULT_CHECKPOINTS,
    confirmations: Confirmations = None,
    archive: Archive = None,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
) -> None:
    """Rebuild a rollup's state from L1 alone: no sequencer, no database, no trust.

    Where a batch has its data in a blob, that comes from wherever it still is, and is the one whose
    hash L1 has.

    Replays the data of every batch, compares every root on the way with the one that L1 accepted,
    and ends with the contract's own root, bit for bit. Interrupted, it goes on from the last final
    block that it had kept.
    """
    from contracts.blob_places import blob_sources
    from contracts.finality import FINALIZED, Finality
    from contracts.reader import RollupReader
    from protocol.crypto import compiled
    from wattlane.cli.progress import shown_progress
    from wattlane.state_file import check_replaceable, rebuild_from_checkpoint, save_state

    check_replaceable(out)
    blobs = blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    finality = FINALIZED if confirmations is None else Finality(confirmations)
    reader = RollupReader(l1, contract, finality=finality, blobs=blobs)
    compiled.install()
    with shown_progress() as progress:
        rebuilt = rebuild_from_checkpoint(
            reader,
            checkpoints,
            progress=progress,
            say=partial(typer.echo, err=True),
        )
    save_state(out, rebuilt)
    state, waiting = rebuilt.state, len(rebuilt.waiting)
    typer.echo(f"accounts      {len(state.accounts)}")
    typer.echo(f"channels      {len(state.channels)}")
    typer.echo(f"queue         {rebuilt.processed} ops processed, {waiting} waiting")
    typer.echo(f"root          {state.root:#066x}, the same as the contract's")
    typer.echo(f"batch         {rebuilt.batches}")
    typer.echo(f"L1 block      {rebuilt.block.number}, time {rebuilt.block.timestamp}")
    typer.echo(f"written to    {out}")
