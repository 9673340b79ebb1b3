"""Batches of a simulated rollup whose data are in a blob, true or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.batches import BatchStatement, BlobLink, Payout, Submission
from contracts.blob_transactions import Sidecar
from contracts.kzg import open_at
from protocol.batch import PublicInputs, challenge
from protocol.blobs import blob_of
from protocol.queue import QueueOp
from tests.support.kzg_on_chain import warm_up
from tests.support.simulated_rollup import SimulatedRollup


@dataclass(frozen=True, slots=True)
class BlobBatch:
    """A submission with the blob that its transaction carries."""

    submission: Submission
    sidecar: Sidecar

    def linked(self, **changed: bytes) -> BlobBatch:
        """With parts of its link changed."""
        assert self.submission.link is not None
        link = replace(self.submission.link, **changed)
        return replace(self, submission=replace(self.submission, link=link))


def sidecar_of(statements: Sequence[BatchStatement], *more: int) -> Sidecar:
    """The blob of the statements' data; `more` are coefficients past them."""
    return Sidecar.of(blob_of([*(e for one in statements for e in one.data), *more]))


def blob_batch(
    rollup: SimulatedRollup,
    statements: Sequence[BatchStatement],
    ops: Sequence[QueueOp] = (),
    payouts: Sequence[Payout] = (),
    *,
    sidecar: Sidecar | None = None,
    inputs: Sequence[PublicInputs] | None = None,
    opened_at: int | None = None,
) -> BlobBatch:
    """A batch with a proof for each statement's public inputs, or for those given.

    Its link opens `sidecar` (None: that of the data) at z, or at `opened_at`.
    """
    warm_up(rollup.chain.url)
    carried = sidecar or sidecar_of(statements)
    z = challenge(statements, carried.versioned_hash)
    proved = inputs or [statement.public_inputs(z) for statement in statements]
    opening = open_at(carried.blob, z if opened_at is None else opened_at)
    submission = rollup.batch(statements, ops, payouts, proved)
    link = BlobLink(carried.commitment, opening.proof)
    return BlobBatch(replace(submission, link=link), carried)


def try_blob_batch(
    rollup: SimulatedRollup, batch: BlobBatch, hashes: Sequence[bytes] | None = None
) -> None:
    """Run a batch without sending it, in a transaction with these blobs (None: its own one).

    Raises Reverted.
    """
    try_calldata(rollup, batch.submission.calldata(), hashes or [batch.sidecar.versioned_hash])


def try_calldata(rollup: SimulatedRollup, calldata: bytes, hashes: Sequence[bytes]) -> None:
    """Run calldata as the operator's transaction with these blobs. Raises Reverted."""
    call: dict[str, object] = {
        "from": rollup.client.account.address,
        "to": rollup.client.address,
        "data": "0x" + calldata.hex(),
    }
    if hashes:
        call["blobVersionedHashes"] = ["0x" + one.hex() for one in hashes]
    rollup.client.rpc.call("eth_call", call, "latest")
