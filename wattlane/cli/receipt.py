"""`wattlane receipt`: what the operator has promised, held against L1."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wattlane.cli.options import Archive, Beacon, BlobSequencer, ContractAddress, L1Url

app = typer.Typer(no_args_is_help=True, help="What the operator signed, held against L1.")

File = Annotated[
    Path, typer.Argument(help="A receipt, as a node keeps them in its folder receipts/.")
]


@app.command()
def verify(
    file: File,
    l1: L1Url,
    contract: ContractAddress,
    archive: Archive = None,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
) -> None:
    """Check a receipt against L1 alone, and name the promise that was broken (exit status 1).

    The promises: the transaction is in a batch that L1 accepts by the deadline; and, in a receipt
    of a sealed batch, at that position of that batch. One that is still open, or that the household
    itself made impossible, is not broken.
    """
    import json

    from contracts.blob_places import blob_sources
    from contracts.reader import RollupReader
    from protocol.crypto import compiled
    from wattlane.l1_record import read_record
    from wattlane.receipt_check import BadReceipt, Verdict, judge, read_receipt

    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadReceipt(f"{file} cannot be read: {error}") from error
    reader = RollupReader(
        l1, contract, blobs=blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    )
    compiled.install()
    kept = read_receipt(given, reader.settings().domain, frozenset({reader.powers().operator}))
    record, block = read_record(reader), reader.final_block()
    final = sum(batch.block_number <= block.number for batch in record.batches)
    findings = judge(record, final, block.timestamp, kept)
    for one in findings:
        typer.echo(f"{one.verdict.value:<7} {one.promise}: {one.why}")
    if any(one.verdict is Verdict.BROKEN for one in findings):
        raise typer.Exit(1)
