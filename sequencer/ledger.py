"""The operator's ledger: every change of mempool, batches and L1 position, durable before it shows.

A change and its event are written in one transaction and only then shown in memory; where the
database refuses, the book is read anew from what is written. One lock; one ledger a database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from contracts.batches import most_proofs
from contracts.blob_transactions import Sidecar
from protocol.channels import Status
from protocol.codec import Json, transaction_id
from protocol.errors import (
    InvalidSignature,
    InvalidTransaction,
    ProtocolError,
)
from protocol.queue import QueueOp
from protocol.transactions import Finalize, Transaction
from sequencer.admission import Policy, check_policy, explain
from sequencer.book import ChainedBatch, L1Position, Rollup
from sequencer.due import is_due, waits_of
from sequencer.ending import Ending
from sequencer.errors import AdmissionError, QueueGap
from sequencer.final import AcceptedOnL1, changed_by, replayed
from sequencer.kept_book import KeptBook
from sequencer.problems import problem_of
from sequencer.receipts import ReceiptKey
from sequencer.sealing import SealedBatch, SealingPolicy
from sequencer.soft import Pending
from sequencer.storage import (
    batches,
    blobs,
    events,
    intake,
    leaves,
    mempool,
    meta,
    proofs,
    queue,
    sent,
)
from sequencer.storage.batches import Acceptance
from sequencer.storage.database import Connection, Database
from sequencer.storage.proofs import MadeProof
from sequencer.storage.schema import BatchStatus, L1Status, TransactionStatus
from sequencer.storage.sent import SentRow
from sequencer.taking import check_operator, check_room, crowded, room_ahead, soft_receipt


@dataclass(frozen=True, slots=True)
class L1Update:
    """What is newly final on L1: the block it reaches to, its ops and its batches, in order.

    `ending`: None where L1 was not asked.
    """

    position: L1Position
    ops: tuple[QueueOp, ...] = ()
    batches: tuple[AcceptedOnL1, ...] = ()
    ending: Ending | None = None


class Ledger(KeptBook):
    """Thread-safe. `clock` is the operator's, in seconds: it ages batches and stamps events."""

    def __init__(
        self,
        database: Database,
        rollup: Rollup,
        policy: Policy,
        sealing: SealingPolicy,
        receipt_key: ReceiptKey,
        clock: Callable[[], float],
        term: int | None = None,
    ) -> None:
        """Read the database and execute it. Raises StorageError, WrongDatabase.

        `term`: of the lock under which it may write; None where nobody else could.
        """
        super().__init__(database, rollup, clock, term)
        self.receipt_key, self.policy = receipt_key, policy
        most = min(sealing.proofs_per_batch, most_proofs(rollup.shape))
        self.sealing = replace(sealing, proofs_per_batch=most)
        self.ending = Ending()  # L1 says so again after every start
        self.base_fee_wei = 0  # as the market loop has seen it last

    @property
    def most_transactions(self) -> int:
        """How many transactions a batch can hold."""
        return self.sealing.proofs_per_batch * self.rollup.shape.user_slots

    # ------------------------------------------------------------------------ transactions

    def submit(self, transaction: Transaction, given_domain: int | None = None) -> str:
        """Execute a transaction on the soft state and keep it; returns its id.

        Repeating it changes nothing; one that was rejected may be tried again. Raises
        AdmissionError, ProtocolError or StorageError, and then nothing was taken.
        """
        id_ = transaction_id(transaction)
        with self.lock:
            with self.database.read() as connection:
                known = mempool.standing(connection, [id_]).get(id_)
                waits = bool(intake.present(connection, [id_]))
                sequence = mempool.next_sequence(connection)
            if waits or known in mempool.TAKEN:
                return id_
            book, domain = self.book, self.rollup.domain
            self.ending.check(transaction, book.position.l1_time)
            check_policy(self.policy, transaction, book.position.l1_time, domain, given_domain)
            check_room(self.policy, book, transaction)
            pending, receipt = self._execute(id_, sequence, transaction, self._clock())
            with self._writing() as connection:
                mempool.put(connection, pending, TransactionStatus.SOFT, receipt)
                events.add(connection, "soft", [id_], pending.accepted_at)
        return id_

    def take_accepted(self, most: int) -> int:
        """Execute what waits in the intake, oldest first; returns how many have left it.

        Never more than a few batches ahead of what is sealed, as each batch executes again all that
        is left. What became of each is written in the transaction that takes it out.
        """
        with self.lock:
            book = self.book
            most = min(most, room_ahead(book, self.most_transactions))
            with self.database.read() as connection:
                rows = intake.oldest(connection, most, crowded(self.policy, book))
                known = mempool.standing(connection, [row.id for row in rows])
                sequence = mempool.next_sequence(connection)
            if not rows:
                return 0
            soft: list[str] = []
            rejected: list[str] = []
            with self._writing() as connection:
                for at, row in enumerate(rows, sequence):
                    if known.get(row.id) in mempool.TAKEN:
                        continue
                    what, born = row.transaction, row.accepted_at
                    try:
                        pending, receipt = self._execute(row.id, at, what, born)
                    except (AdmissionError, ProtocolError) as error:
                        problem = problem_of(error)
                        mempool.put_rejected(connection, row, at, book.soft.last_op, problem)
                        if row.id not in known:
                            rejected.append(row.id)
                    else:
                        mempool.put(connection, pending, TransactionStatus.SOFT, receipt)
                        soft.append(row.id)
                intake.remove(connection, [row.id for row in rows])
                events.add(connection, "soft", soft, self._clock())
                self._newly_rejected(connection, rejected)
            return len(rows)

    def finalize_due(self) -> list[str]:
        """End every closing channel whose deadline is covered: a service that costs nobody.

        Raises the first refusal, as `submit`, after all others were ended.
        """
        with self.lock:
            covered = 0 if self.ending.exodus_start else self.book.context().queue_covered
            due = [
                channel.id
                for channel in self.book.soft.state.channels.values()
                if channel.status is Status.CLOSING and channel.deadline <= covered
            ]
            ended: list[str] = []
            refusals: list[AdmissionError | ProtocolError] = []
            for channel_id in due:
                try:
                    ended.append(self.submit(Transaction(Finalize(channel_id))))
                except (AdmissionError, ProtocolError) as error:
                    refusals.append(error)
            if refusals:
                raise refusals[0]
            return ended

    def _execute(
        self, id_: str, sequence: int, transaction: Transaction, accepted_at: float
    ) -> tuple[Pending, Json]:
        """Append a transaction to the soft state; it must be written next, with its receipt."""
        book = self.book
        self.ending.check(transaction, book.position.l1_time)
        check_operator(book, transaction)
        try:
            trace = book.soft.execute(book.context(), transaction)
        except (InvalidTransaction, InvalidSignature) as error:
            raise explain(book.soft.state, transaction, error) from error
        pending = Pending(id_, sequence, transaction, book.soft.last_op, accepted_at, trace.slot)
        receipt = soft_receipt(book, id_, self.most_transactions, self.policy)
        book.soft.append(pending)
        return pending, self.receipt_key.sign(self.rollup.domain, receipt)

    # ------------------------------------------------------------------------ batches

    def seal(self, *, at_once: bool = False) -> SealedBatch | None:
        """Seal the next batch if size or age says so (or `at_once`); None where nothing is due."""
        with self.lock:
            if self.ending.exodus_start:
                return None
            book = self.book
            waiting = sum(one.status is BatchStatus.SEALED for one in book.chain)
            if not at_once and not is_due(
                self.sealing,
                self.rollup.shape,
                book.due_ops,
                book.soft.pending,
                waits_of(self.sealing, book, self._op_seen_at, self._clock(), self.base_fee_wei),
                waiting,
                self.base_fee_wei,
            ):
                return None
            sealing = book.seal(self.sealing)
            batch, pending = sealing.batch, book.soft.pending
            gone = {one.id for one in batch.included} if batch else set()
            gone |= {one.id for one, _ in sealing.rejected}
            if not (batch or gone):
                return None  # what waits needs an op that is not due yet
            with self._writing() as connection:
                now = self._clock()
                if batch:
                    book.push(batch)
                    batches.add(connection, batch, now)
                    mempool.into_batch(connection, batch.number, batch.placed)
                    events.add(connection, "sealed", [f"batch {batch.number}"], now)
                later = book.rebuild([one for one in pending if one.id not in gone])
                self._reject(connection, [*sealing.rejected, *later])
            return batch

    def wanted_proofs(self) -> list[tuple[SealedBatch, int]]:
        """Every proof that a sealed batch lacks, by its batch and its place there, in order."""
        with self.lock:
            return [(one.sealed, place) for one in self.book.chain for place in one.missing]

    def record_proof(self, batch: SealedBatch, place: int, made: MadeProof) -> bool:
        """Keep a verified proof; False where this very seal waits for none there (any more)."""
        with self.lock:
            here = self.book.find(batch.number)
            if here is None or here.sealed.id != batch.id or place not in here.missing:
                return False
            is_last = here.missing == [place]
            with self._writing() as connection:
                proofs.put(connection, batch.number, place, made)
                if is_last:
                    batches.set_status(connection, batch.number, BatchStatus.PROVED)
                    self._batch_event(connection, "proved", here)
            here.proofs_bytes[place] = made.proof_bytes
            if is_last:
                here.status = BatchStatus.PROVED
            return True

    def next_to_submit(self) -> ChainedBatch | None:
        """The oldest batch that L1 has not accepted, if it is proved and L1 can still take it."""
        with self.lock:
            for one in () if self.ending.exodus_start else self.book.chain:
                if one.status in (BatchStatus.PROVED, BatchStatus.SUBMITTED):
                    return one
                if one.status is BatchStatus.SEALED:
                    return None
            return None

    def void_from(self, number: int, seal_id: str) -> None:
        """Unseal this and later batches: their transactions go back to the mempool, in order.

        Only for a batch that L1 can no longer accept, or that was never sent. Does nothing where
        the batch is not the one named.
        """
        with self.lock:
            here = self.book.find(number)
            if here is None or here.sealed.id != seal_id:
                return
            with self._writing() as connection:
                self._void(connection, number)

    def _void(self, connection: Connection, number: int) -> None:
        pending = [*self.book.cut(number), *self.book.soft.pending]
        mempool.out_of_batches(connection, number)
        batches.remove_from(connection, number)
        events.add(connection, "voided", [f"batch {number}"], self._clock())
        self._reject(connection, self.book.rebuild(pending))

    # ------------------------------------------------------------------------ L1

    def record_intent(self, row: SentRow, sidecar: Sidecar | None = None) -> None:
        """Keep a signed L1 transaction, and the blob that it carries, before it is sent."""
        with self.lock, self._writing() as connection:
            if sidecar is not None:
                blobs.put(connection, sidecar.versioned_hash, row.batch, sidecar.blob)
            sent.add(connection, row)

    def record_sent(self, row: SentRow, status: L1Status) -> None:
        """Keep how far an L1 transaction got; sending it makes its batch submitted."""
        with self.lock:
            here = self.book.find(row.batch)
            submitted = (
                status is L1Status.SENT
                and here is not None
                and here.sealed.id == row.seal_id
                and here.status is BatchStatus.PROVED
            )
            with self._writing() as connection:
                sent.set_status(connection, row.hash, status)
                if submitted:
                    batches.set_status(connection, row.batch, BatchStatus.SUBMITTED)
            if submitted and here is not None:
                here.status = BatchStatus.SUBMITTED

    def record_acceptance(self, batch: SealedBatch, acceptance: Acceptance) -> None:
        """L1 has accepted a batch, in a block that is not final yet."""
        with self.lock:
            here = self.book.find(batch.number)
            if here is None or here.sealed.id != batch.id:
                return
            with self._writing() as connection:
                batches.set_status(connection, batch.number, BatchStatus.ACCEPTED)
                batches.put_acceptance(connection, batch.number, acceptance)
                self._batch_event(connection, "accepted", here)
            here.status = BatchStatus.ACCEPTED

    def record_reorg(self, number: int) -> None:
        """Blocks with acceptances from this batch on are gone; they are to be submitted again."""
        with self.lock:
            gone = [
                one
                for one in self.book.chain
                if one.sealed.number >= number and one.status is BatchStatus.ACCEPTED
            ]
            with self._writing() as connection:
                for one in gone:
                    batches.set_status(connection, one.sealed.number, BatchStatus.PROVED)
                    events.add(connection, "reorged", [f"batch {one.sealed.number}"], self._clock())
            for one in gone:
                one.status = BatchStatus.PROVED

    def observe(self, update: L1Update) -> None:
        """Follow L1 to a newer final block: credit ops, make batches final, move L1's time.

        Raises QueueGap, ForeignBatch, StorageError, and then nothing changed.
        """
        with self.lock:
            now, book = self._clock(), self.book
            newest = book.final_last_op + len(book.ops)
            for op in update.ops:
                newest += 1
                if op.number != newest:
                    raise QueueGap(newest, op.number)
            with self._writing() as connection:
                queue.add(connection, update.ops, now)
                self._op_seen_at |= {op.number: now for op in update.ops}
                book.ops += update.ops
                book.soft.add_ops(book.context(), update.ops)
                for batch in update.batches:
                    self._finish(connection, batch, now)
                book.position = L1Position(
                    update.position.block,
                    update.position.block_hash,
                    max(update.position.l1_time, book.position.l1_time),
                )
                meta.put(connection, meta.L1_BLOCK, book.position.block)
                meta.put(connection, meta.L1_BLOCK_HASH, book.position.block_hash)
                meta.put(connection, meta.L1_TIME, book.position.l1_time)
                if update.ending is not None:
                    meta.put(connection, meta.EXODUS_START, update.ending.exodus_start)
                    meta.put(connection, meta.SUNSET, update.ending.sunset)
            self.ending = update.ending or self.ending

    def _finish(self, connection: Connection, batch: AcceptedOnL1, now: float) -> None:
        """A batch is in a final block: ours, or one to be rebuilt from its data."""
        book, here = self.book, self.book.find(batch.number)
        if batch.number <= book.final_number:
            return
        is_ours = here is not None and batch.is_same(here.sealed)
        if here is not None and is_ours:
            state, leaves_changed = here.sealed.state, changed_by(here.sealed)
        else:
            state, leaves_changed = replayed(book.final_state, batch)
            if book.chain:
                self._void(connection, book.chain[0].sealed.number)
            batches.add_foreign(connection, batch, now)
        if batch.versioned_hash is not None and not blobs.holds(connection, batch.versioned_hash):
            blobs.put(connection, batch.versioned_hash, batch.number, batch.blob)
        last_op = book.final_last_op + len(batch.ops)
        leaves.put(connection, leaves_changed.accounts, leaves_changed.channels)
        meta.put(connection, meta.CHECKPOINT, batch.number)
        meta.put(connection, meta.LAST_OP, last_op)
        acceptance = Acceptance(batch.l1_tx, batch.l1_block, batch.gas_used, batch.calldata_bytes)
        batches.put_acceptance(connection, batch.number, acceptance)
        sent.set_status(connection, batch.l1_tx, L1Status.SUCCEEDED)
        batches.set_status(connection, batch.number, BatchStatus.FINAL)
        events.add(connection, "final", [f"batch {batch.number}"], now)
        events.add(connection, "final", mempool.ids_of_batch(connection, batch.number), now)
        pending = book.soft.pending
        book.finish(batch.number, state, last_op)
        if not is_ours:
            self._reject(connection, book.rebuild(pending))
