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
    that says final, at that position of that batch. One that is still open, or that became
    impossible (the transaction expired before, or its nonce was used), is not broken. A receipt
    that says accepted promises nothing. Whoever was the operator on L1 at any time can be held to
    its word.
    """
    import json

    from contracts.blob_places import blob_sources
    from contracts.endorsements import Operators, operators_had
    from contracts.reader import RollupReader
    from protocol.crypto import compiled
    from wattlane.l1_record import read_record
    from wattlane.receipt_check import BadReceipt, NotEndorsed, Verdict, judge, read_receipt

    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadReceipt(f"{file} cannot be read: {error}") from error
    reader = RollupReader(
        l1, contract, blobs=blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    )
    compiled.install()
    domain, present = reader.settings().domain, Operators(frozenset({reader.powers().operator}))
    try:
        kept = read_receipt(given, domain, present)
    except NotEndorsed:
        kept = read_receipt(given, domain, operators_had(reader))
    block = reader.final_block()  # before the record, which then has all that is final in it
    record = read_record(reader)
    final = sum(batch.block_number <= block.number for batch in record.batches)
    findings = judge(record, final, block.timestamp, kept)
    for one in findings:
        typer.echo(f"{one.verdict.value:<7} {one.promise}: {one.why}")
    if any(one.verdict is Verdict.BROKEN for one in findings):
        raise typer.Exit(1)
