"""A book and the database that it follows: written first, shown then.

Where a write fails, the book is forgotten and read anew from what is written, as soon as the
database can be read: until then nothing can be asked of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sequencer.book import Book, ChainedBatch, Rollup
from sequencer.problems import problem_of
from sequencer.recovery import recover
from sequencer.soft import Pending, Refusal
from sequencer.storage import events, mempool, meta, queue
from sequencer.storage.database import Connection, Database


class KeptBook:
    """What every change of the ledger stands on. `lock` is held while the book is used."""

    def __init__(
        self,
        database: Database,
        rollup: Rollup,
        clock: Callable[[], float],
        term: int | None = None,
    ) -> None:
        """Read the database and execute it. Raises StorageError, WrongDatabase.

        `term`: of the lock under which it may write; None where nobody else could.
        """
        self.database, self.rollup = database, rollup
        self.lock = threading.RLock()
        self.clock, self._clock, self.term = clock, clock, term
        self._op_seen_at: dict[int, float] = {}
        self._book: Book | None = self._recovered()

    @property
    def book(self) -> Book:
        """What the database says, executed. Raises StorageError where it cannot be read now."""
        found = self._book
        if found is None:
            with self.lock:
                found = self._book = self._book or self._recovered()
        return found

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A write. Raises BatcherReplaced where the lock of this term was lost."""
        try:
            with self.database.write() as connection:
                meta.check_term(connection, self.term)
                yield connection
        except BaseException:
            self._book = None
            raise

    def _recovered(self) -> Book:
        with self.database.read() as connection:
            book, rejected = recover(connection, self.rollup)
            seen = queue.between(connection, book.final_last_op + 1)
            new = meta.get(connection, meta.DOMAIN) is None
        self._op_seen_at = {one.op.number: one.seen_at for one in seen}
        if new or rejected:
            with self.database.write() as connection:
                meta.check_term(connection, self.term)
                meta.put(connection, meta.DOMAIN, self.rollup.domain)
                self._reject(connection, rejected)
        return book

    def _reject(self, connection: Connection, rejected: Sequence[tuple[Pending, Refusal]]) -> None:
        mempool.reject(connection, [(one.id, problem_of(error)) for one, error in rejected])
        self._newly_rejected(connection, [one.id for one, _ in rejected])

    def _newly_rejected(self, connection: Connection, ids: Sequence[str]) -> None:
        """Tell of what is rejected for the first time, and forget the oldest for it."""
        if ids:
            events.add(connection, "rejected", ids, self._clock())
            mempool.forget_rejected(connection, mempool.MOST_REJECTED)

    def _batch_event(self, connection: Connection, kind: str, batch: ChainedBatch) -> None:
        sealed = batch.sealed
        ids = [f"batch {sealed.number}", *(one.id for one in sealed.included)]
        events.add(connection, kind, ids, self._clock())
