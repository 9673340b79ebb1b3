"""`wattlane verify-batch`: check accepted batches against L1 alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from wattlane.cli.options import Archive, Beacon, BlobSequencer, ContractAddress, L1Url

if TYPE_CHECKING:
    from wattlane.verify_batch import Passed

Which = Annotated[str, typer.Argument(metavar="[N|all]", help="A batch number, or all.")]

Lines = Annotated[
    bool,
    typer.Option("--lines", help="One JSON object a check instead: batch, proof, step, holds, ..."),
]


def verify_batch(
    l1: L1Url,
    contract: ContractAddress,
    which: Which = "all",
    archive: Archive = None,
    sequencer: BlobSequencer = None,
    beacon: Beacon = None,
    lines: Lines = False,
) -> None:
    """Check batches that L1 accepted, from L1 alone: no sequencer, no database, no trust.

    For each batch: the data decode, and where they are in a blob it is the one that L1 names; the
    queue ops are L1's, in order and none left out; times and queue coverage hold. For each of its
    proofs: digest, challenge and evaluations are recomputed; roots chain from genesis; replaying
    the data gives the new root and the payouts; and the Groth16 proof verifies with py_arkworks and
    with py_ecc, two libraries that share no code.
    """
    from contracts.blob_places import blob_sources
    from contracts.reader import RollupReader
    from protocol.crypto import compiled
    from wattlane.l1_record import read_record
    from wattlane.verify_batch import chosen, verify

    blobs = blob_sources(l1, archive=archive, sequencer=sequencer, beacon=beacon)
    record = read_record(RollupReader(l1, contract, blobs=blobs))
    numbers = chosen(record, which)
    compiled.install()
    if lines:
        _say_lines(verify(record, numbers))
        return
    checks, current = 0, 0
    for passed in verify(record, numbers):
        if passed.batch != current:
            current = passed.batch
            batch = record.batches[current - 1]
            count = len(batch.submission.proofs)
            proofs = "1 proof" if count == 1 else f"{count} proofs"
            typer.echo(f"batch {current} (block {batch.block_number}, {proofs})")
        place = "" if passed.proof is None else f"proof {passed.proof}"
        took = f"[{passed.seconds:.2f} s]"
        typer.echo(f"  ok  {place:<8} {passed.step:<22} {passed.found}  {took}")
        checks += 1
    proved = sum(len(record.batches[number - 1].submission.proofs) for number in numbers)
    typer.echo(
        f"{len(numbers)} batches with {proved} proofs verified, {checks} checks; "
        f"root {record.state_root:#066x}"
    )


def _say_lines(checks: Iterable[Passed]) -> None:
    """A line for each check as it passes, and one for that which fails. Raises as `checks`."""
    from wattlane.verify_batch import VerificationFailed

    def say(batch: int, proof: int | None, step: str, holds: bool, found: str, took: float) -> None:
        line = {"batch": batch, "proof": proof, "step": step, "holds": holds, "found": found}
        print(json.dumps({**line, "seconds": took}), flush=True)

    try:
        for one in checks:
            say(one.batch, one.proof, one.step, True, one.found, one.seconds)
    except VerificationFailed as error:
        say(error.batch, error.proof, error.step, False, error.what, 0.0)
        raise
