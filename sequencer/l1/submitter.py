"""Submitting batches exactly once: intent first, then bytes, and before either a look at L1.

A signed transaction is in the database before it leaves; whoever starts again finds it and sends
the same bytes, or finds that L1 has the batch already. One whose fees the market has left behind,
or that waits too long, is replaced by another of the same nonce that offers more: only one of the
two can take effect. One whose nonce somebody else used, or that waits behind a missing nonce, is
signed anew with a nonce that can land; one that the account cannot pay, once L1 asks much less. A
batch that L1 can no longer accept (its time too old, the queue moved) is sealed anew; nothing else
is ever given up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from contracts import errors as l1_errors
from contracts.batches import BlobLink, Submission, submission_of
from contracts.client import RollupClient
from contracts.fees import TIP_WEI, highest
from contracts.kzg import open_at
from contracts.transactions import PreparedTransaction, find_receipt
from protocol.units import L1_TIME_SLACK_S
from sequencer.book import ChainedBatch
from sequencer.errors import BatchRefused, NonceBlocked
from sequencer.l1.fee_policy import FeePolicy
from sequencer.l1.nonces import Nonces, Place
from sequencer.ledger import Ledger
from sequencer.metrics import Metrics
from sequencer.sealing import SealedBatch
from sequencer.storage import sent
from sequencer.storage.batches import Acceptance
from sequencer.storage.schema import BatchStatus, L1Status
from sequencer.storage.sent import SentRow

SAFETY_S = 600
"""A batch this close to being too old is not sent any more."""

RECEIPT_WAIT_S = 30.0

OUTDATED = (
    l1_errors.TimeTooOld,
    l1_errors.TimeWentBack,
    l1_errors.OpSkipped,
    l1_errors.OpNotDue,
    l1_errors.QueueMismatch,
)
"""Refusals after which the same transactions, sealed anew, are accepted."""

_log = structlog.get_logger(__name__)


class Submitter:
    """Brings proved batches to L1, one at a time. One owner."""

    def __init__(
        self,
        client: RollupClient,
        ledger: Ledger,
        clock: Callable[[], float],
        stopping: threading.Event,
        fees: FeePolicy | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._client, self._ledger, self._clock = client, ledger, clock
        self._stopping, self._fees = stopping, fees or FeePolicy()
        self._metrics = metrics or Metrics()

    def step(self) -> bool:
        """Do the next thing there is to do; True if something was done.

        Raises contracts' L1Error where RPC or L1 fail (worth trying again; FeesAboveLimit where L1
        is dearer than the settings allow), BatchRefused where L1 refuses for a reason that sealing
        anew does not mend, NonceBlocked, StorageError.
        """
        self._notice_reorg()
        batch = self._ledger.next_to_submit()
        if batch is None:
            return False
        sealed, progress = batch.sealed, self._client.progress()
        if progress.batches >= sealed.number:
            return self._adopt(sealed)
        if (progress.batches, self._client.state_root()) != (
            sealed.number - 1,
            sealed.old_root,
        ):
            return False  # this node is behind, or the batch before was reorged away
        if self._resume(batch):
            return True
        if self._is_too_old(sealed, SAFETY_S):
            return self._seal_anew(sealed, "its L1 time is too old")
        return self._send(batch)

    def _notice_reorg(self) -> None:
        """A batch that L1 had accepted and no longer has is to be submitted again."""
        accepted = [
            one.sealed.number
            for one in self._ledger.book.chain
            if one.status is BatchStatus.ACCEPTED
        ]
        if not accepted:
            return
        known = self._client.progress().batches
        gone = [number for number in accepted if number > known]
        if gone:
            _log.warning("L1 reorg", batch=gone[0])
            self._metrics.reorgs.inc()
            self._ledger.record_reorg(gone[0])

    def _adopt(self, sealed: SealedBatch) -> bool:
        """L1 has a batch of this number: ours, sent before a crash, or a stranger's."""
        found = self._client.batch(sealed.number, max(self._ledger.book.position.block, 0))
        if found is None:
            return False
        theirs = [(proof.new_root, proof.digest) for proof in found.submission.proofs]
        if theirs != [(proof.new_root, proof.digest) for proof in sealed.proofs]:
            return False  # the watcher rebuilds it once it is final
        receipt = find_receipt(self._client.rpc, found.transaction_hash)
        hash_ = "0x" + found.transaction_hash.hex()
        for row in self._rows(sealed):
            if row.hash == hash_:
                self._ledger.record_sent(row, L1Status.SUCCEEDED)
        acceptance = Acceptance(
            hash_,
            found.block_number,
            receipt.gas_used if receipt else None,
            len(found.submission.calldata()),
        )
        self._ledger.record_acceptance(sealed, acceptance)
        if acceptance.gas_used is not None:
            self._metrics.batch_gas.observe(acceptance.gas_used)
        _log.info("batch accepted", batch=sealed.number, gas_used=acceptance.gas_used)
        return True

    def _rows(self, sealed: SealedBatch) -> list[SentRow]:
        with self._ledger.database.read() as connection:
            rows = sent.of_batch(connection, sealed.number)
        return [row for row in rows if row.seal_id == sealed.id]

    def _resume(self, batch: ChainedBatch) -> bool:
        """Go on with a transaction that was signed before, if one may still get into a block."""
        sealed, nonces = batch.sealed, self._nonces()
        waiting: list[SentRow] = []
        for row in self._rows(sealed):
            if row.status in (L1Status.REVERTED, L1Status.DROPPED):
                continue
            receipt = find_receipt(self._client.rpc, bytes.fromhex(row.hash[2:]))
            if receipt is not None and receipt.succeeded:
                self._wait(sealed, row)
                return True
            if receipt is not None:
                self._ledger.record_sent(row, L1Status.REVERTED)
            elif self._is_too_old(sealed, 0) or self._is_overtaken(row, nonces):
                self._ledger.record_sent(row, L1Status.DROPPED)
            else:
                waiting.append(row)
        for row in reversed(waiting):
            if self._broadcast(row):
                return self._improve(batch, row) or self._wait(sealed, row)
        return False

    def _is_overtaken(self, row: SentRow, nonces: Nonces) -> bool:
        if nonces.place(row.nonce) is not Place.OVERTAKEN:
            return False
        self._metrics.foreign_nonces.inc()
        _log.warning(
            "the operator's key was used elsewhere: another transaction has a batch's nonce",
            batch=row.batch,
            nonce=row.nonce,
        )
        return True

    def _improve(self, batch: ChainedBatch, row: SentRow) -> bool:
        """Whether a transaction that the node has was replaced by one that lands sooner.

        Raises FeesAboveLimit, NonceBlocked where it cannot be helped now.
        """
        nonces, waited_s = self._nonces(), self._clock() - row.created_at
        match nonces.place(row.nonce):
            case Place.AFTER_GAP:
                _log.warning(
                    "a nonce before a batch's is missing",
                    batch=row.batch,
                    missing=nonces.pending,
                    nonce=row.nonce,
                )
                self._ledger.record_sent(row, L1Status.DROPPED)
                return self._send(batch)
            case Place.BEHIND if waited_s > self._fees.bump_after_s:
                raise NonceBlocked(self._client.sender.address, nonces.used, waited_s)
            case Place.NEXT if waited_s > self._fees.bump_after_s or self._is_outbid(row):
                return self._send(batch)
        return False

    def _is_outbid(self, row: SentRow) -> bool:
        return self._client.sender.is_outbid(row.fees)

    def _nonces(self) -> Nonces:
        sender = self._client.sender
        return Nonces(sender.next_nonce(), sender.pending_nonce())

    def _submission(self, batch: ChainedBatch) -> Submission:
        sealed, link = batch.sealed, None
        if sealed.sidecar is not None:
            opening = open_at(sealed.sidecar.blob, sealed.inputs[0].z)
            link = BlobLink(sealed.sidecar.commitment, opening.proof)
        made = [batch.proofs_bytes[place] for place in range(len(sealed.proofs))]
        return submission_of(sealed.proofs, sealed.inputs, made, link)

    def _signed(self, nonce: int) -> list[SentRow]:
        with self._ledger.database.read() as connection:
            return sent.of_nonce(connection, nonce)

    def _alive(self, nonce: int) -> list[SentRow]:
        """What was signed with a nonce, less what was given up and the node has not (any more)."""
        return [
            row
            for row in self._signed(nonce)
            if row.status is not L1Status.DROPPED or self._is_known(row)
        ]

    def _is_known(self, row: SentRow) -> bool:
        return self._client.sender.is_known(bytes.fromhex(row.hash[2:]))

    def _costs_less_now(self, row: SentRow) -> bool:
        """Whether what would be signed today instead of a row offers much less."""
        others = [one.fees for one in self._alive(row.nonce) if one.hash != row.hash]
        has_blob = row.fees.max_blob_fee_wei > 0
        try:
            today = self._client.sender.prices(has_blob=has_blob).fees(
                TIP_WEI, has_blob=has_blob, replaced=highest(others), most=self._fees.most
            )
        except l1_errors.FeesAboveLimit:
            return False
        return today.is_well_below(row.fees)

    def _send(self, batch: ChainedBatch, outbids_given_up: bool = True) -> bool:
        """Sign, store and send, instead of what was signed with the same nonce before, if any.

        What was given up is outbid too, as another node may have it; unless that is more than we
        may offer, than the account can pay or than the node takes. Then only what is alive counts.
        """
        sealed, nonces = batch.sealed, self._nonces()
        settled = (L1Status.SUCCEEDED, L1Status.REVERTED)
        waits = any(row.status not in settled for row in self._alive(nonces.used))
        nonce = nonces.next_for_batch(waits)
        rows = self._signed(nonce) if outbids_given_up else self._alive(nonce)
        offered = [row.fees for row in rows]
        try:
            prepared = self._client.prepare_batch(
                self._submission(batch),
                sealed.sidecar,
                nonce=nonce,
                replaced=highest(offered),
                most=self._fees.most,
            )
        except l1_errors.FeesAboveLimit:
            if not outbids_given_up:
                raise
            return self._send(batch, outbids_given_up=False)
        except OUTDATED as error:
            if isinstance(error, l1_errors.TimeTooOld) and self._is_newest(sealed):
                self._make_block()
            return self._seal_anew(sealed, str(error))
        except l1_errors.TimeInFuture:
            return False
        except l1_errors.Reverted as error:
            raise BatchRefused(sealed.number, type(error).__name__) from error
        row = SentRow(
            hash="0x" + prepared.transaction_hash.hex(),
            batch=sealed.number,
            seal_id=sealed.id,
            nonce=prepared.nonce,
            raw=prepared.raw_bytes,
            status=L1Status.INTENDED,
            created_at=self._clock(),
            fees=prepared.fees,
        )
        self._ledger.record_intent(row, sealed.sidecar)
        if offered:
            self._metrics.replacements.inc()
        if self._broadcast(row):
            return self._wait(sealed, row)
        return outbids_given_up and self._send(batch, outbids_given_up=False)

    def _broadcast(self, row: SentRow) -> bool:
        """Send the bytes (again). False where they were given up: the node refuses them, or the
        account cannot pay what they offer and L1 asks much less now.

        Raises InsufficientFunds where signing anew would not help, RpcError.
        """
        prepared = PreparedTransaction(
            raw_bytes=row.raw,
            transaction_hash=bytes.fromhex(row.hash[2:]),
            nonce=row.nonce,
            gas_limit=0,
            max_fee_wei=0,
            tip_wei=0,
        )
        try:
            self._client.sender.broadcast(prepared)
        except l1_errors.InsufficientFunds as error:
            if not self._costs_less_now(row):
                raise  # kept: for an account that is filled up, the same bytes will do
            # Another node may have taken these bytes earlier, and they may land yet. That is safe:
            # what is signed anew has the same nonce, of which L1 takes one, or where such a node is
            # asked the next one, and then the second reverts. Either way the batch lands once, and
            # `_adopt` knows it by its proofs, whichever of the two carried it.
            _log.warning("a transaction is signed anew for less", batch=row.batch, why=str(error))
            self._ledger.record_sent(row, L1Status.DROPPED)
            return False
        except l1_errors.RpcRefused as error:
            _log.warning("L1 refused a transaction", batch=row.batch, why=str(error))
            self._ledger.record_sent(row, L1Status.DROPPED)
            return False
        self._ledger.record_sent(replace(row, status=L1Status.SENT), L1Status.SENT)
        _log.info("batch sent", batch=row.batch, transaction=row.hash)
        return True

    def _wait(self, sealed: SealedBatch, row: SentRow) -> bool:
        """Wait a while for the block; what is not there by then is looked for in the next step."""
        deadline = time.monotonic() + RECEIPT_WAIT_S
        while find_receipt(self._client.rpc, bytes.fromhex(row.hash[2:])) is None:
            if time.monotonic() > deadline or self._stopping.wait(0.1):
                return True
        if self._client.progress().batches >= sealed.number:
            self._adopt(sealed)
        return True

    def _is_too_old(self, sealed: SealedBatch, safety_s: int) -> bool:
        newest = self._client.latest_block().timestamp
        return newest - sealed.l1_time > L1_TIME_SLACK_S - safety_s

    def _is_newest(self, sealed: SealedBatch) -> bool:
        """Whether L1 has no block that is younger than the batch's time."""
        return self._client.latest_block().timestamp <= sealed.l1_time + 1

    def _make_block(self) -> None:
        """On a chain that only mines what is sent, an idle time ends with a block of our own."""
        _log.info("L1 was idle; sending an empty transaction so that its time moves on")
        self._client.sender.send(self._client.sender.address, b"")

    def _seal_anew(self, sealed: SealedBatch, why: str) -> bool:
        self._metrics.batches_resealed.inc()
        _log.warning("batch is sealed anew", batch=sealed.number, why=why)
        self._ledger.void_from(sealed.number, sealed.id)
        return True
