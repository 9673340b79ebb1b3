"""The node's durable memory: what `write` has returned from survives any crash, whole and in order.

SQLite with WAL and synchronous=FULL. One thread writes: it takes all that waits, commits it in one
transaction (each change still its own, in the order given) and only then answers. After a failed
write nothing more is written until the store is opened again (StoreFailed), so that no later
voucher can carry an earlier one that its caller was told had failed.
A second process on the same folder is kept out by a lock. Ref: docs/protocol.md section 7, C7.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from channels import schema
from channels.changes import apply_all
from channels.copy_rows import Opened
from channels.days import Span, load_spans
from channels.errors import (
    StoreCorrupt,
    StoreFailed,
)
from channels.forced import ForcedRecord
from channels.preparing import lock_folder, prepare
from channels.pruning import DEFAULT_BILLS_KEPT, SLACK, load_totals, prune
from channels.reading import (
    find_bill,
    load_bills,
    load_channels,
    load_forced,
    load_handed,
    load_submissions,
)
from channels.records import (
    Bill,
    Change,
    Direction,
    DropForced,
    Identity,
    SaveForced,
    SaveReceived,
    SaveSigned,
    StoredChannel,
    Submission,
    Total,
)
from channels.witness_rows import load_witnesses
from channels.witnesses import WitnessSet

FILE_NAME = "node.db"
SYNCHRONOUS = "FULL"
"""Only a bench sets it to OFF, to see what the disk costs."""
WAL_PAGES = 1_000
WAL_BYTES = 4 << 20
"""The write-ahead log is folded into the file at so many pages, and cut back to so many bytes."""
_MAX_GROUP, _MOST_GATHERED = 256, 34
"""Of a hundred payments under way a third is signed, a third on its way to disk, a third at the
peer: measured best by benches/node_payments.py, ahead of 25, 50 and 100."""
_SOON_S = 0.1


@dataclass(slots=True)
class _Job:
    changes: tuple[Change, ...]
    done: asyncio.Future[None] | None = None


def connect(path: Path, *, read_only: bool = False) -> Engine:
    """An engine whose connections are set up for durability and explicit transactions."""
    mode = "ro" if read_only else "rwc"
    uri = f"file:{path}?mode={mode}"

    def open_connection() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)

    engine = create_engine("sqlite://", creator=open_connection, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
            connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def reason_of(error: BaseException) -> str:
    """What the database itself says."""
    return str(error.orig) if isinstance(error, DBAPIError) else str(error)


class Store:
    """An open store. Made by `Store.open`; `close` ends it."""

    def __init__(
        self, path: Path, engine: Engine, lock: int, opened: Opened, bills_kept: int
    ) -> None:
        self.path = path
        self.opened = opened
        self._bills_kept = bills_kept
        self._engine = engine
        self._lock = lock
        self._jobs: queue.SimpleQueue[list[_Job] | None] = queue.SimpleQueue()
        self._gathered: list[_Job] = []
        self._failure: str | None = None
        self._soon: list[Change] = []
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._run, name="node-store", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls, folder: Path | str, identity: Identity, *, bills_kept: int = DEFAULT_BILLS_KEPT
    ) -> Store:
        """Open or create the store of `identity` in `folder`. `bills_kept`: for each lane.

        Raises StoreInUse, StoreTooNew, StoreOfAnotherWallet, StoreCorrupt, StoreFailed.
        """
        path = Path(folder) / FILE_NAME
        lock = lock_folder(path)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            engine = connect(path)
            opened = prepare(path, engine, identity, bills_kept)
        except OSError as error:
            os.close(lock)
            raise StoreFailed(str(path), error.strerror or "cannot be created") from error
        except DBAPIError as error:
            os.close(lock)
            if isinstance(error.orig, sqlite3.OperationalError):
                raise StoreFailed(str(path), reason_of(error)) from error
            raise StoreCorrupt(str(path), reason_of(error)) from error
        except BaseException:
            os.close(lock)
            raise
        return cls(path, engine, lock, opened, bills_kept)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what waits and let go of the file. Idempotent."""
        if self._lock >= 0:
            if self._timer is not None:
                self._timer.cancel()
            self._gathered.append(_Job(tuple(self._soon)))
            self._hand_over()
            self._jobs.put(None)
            self._thread.join()
            self._engine.dispose()
            os.close(self._lock)
            self._lock = -1

    def write(self, *changes: Change) -> asyncio.Future[None]:
        """Write `changes` together, after everything handed in before. Await the result.

        The future raises StoreFailed. With no changes it is a barrier. What one turn of the event
        loop writes is handed to the thread at its end, or a few at a time: the disk is at work
        on the first while the last are still signed.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        job = _Job((*self._soon, *changes), done)
        self._soon.clear()
        if self._failure is not None or self._lock < 0:
            done.set_exception(StoreFailed(str(self.path), self._failure or "closed"))
        else:
            self._gathered.append(job)
            if len(self._gathered) >= _MOST_GATHERED:
                self._hand_over()
            else:
                loop.call_soon(self._hand_over)
        return done

    def _hand_over(self) -> None:
        if self._gathered:
            self._jobs.put(self._gathered)
            self._gathered = []

    def write_soon(self, change: Change) -> None:
        """Write `change` with the next write, or within a tenth of a second.

        For what a crash may lose: that a voucher was acknowledged, which the peer tells again.
        """
        self._soon.append(change)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON_S, self._write_what_waits)

    def _write_what_waits(self) -> None:
        self._timer = None
        if self._soon:
            self.write().add_done_callback(lambda done: done.cancelled() or done.exception())

    def load_channels(self) -> list[StoredChannel]:
        """All channels as they stand on disk. Raises StoreCorrupt."""
        with self._reading() as connection:
            return load_channels(connection, str(self.path))

    def load_submissions(self) -> list[Submission]:
        """All transactions whose end is not known yet. Raises StoreCorrupt."""
        with self._reading() as connection:
            return load_submissions(connection, str(self.path))

    def bills(self, after: int = 0) -> list[tuple[int, Bill]]:
        """All bills after running number `after`, with their numbers, oldest first."""
        with self._reading() as connection:
            return list(load_bills(connection, after))

    def totals(self) -> list[Total]:
        """What the payments that are no longer kept one by one add up to, oldest first."""
        with self._reading() as connection:
            return load_totals(connection)

    def spans(self, start_s: int, end_s: int, span_s: int) -> list[Span]:
        """What was bought and sold over a time (Unix seconds), in equal spans. Raises BadFrame."""
        with self._reading() as connection:
            return load_spans(connection, start_s, end_s, span_s)

    def find_bill(self, direction: Direction, payment_id: str, channel_id: int) -> Bill | None:
        """The bill of a payment, if its write has returned."""
        with self._reading() as connection:
            found = find_bill(connection, direction, payment_id)
        return next((bill for bill in found if bill.channel_id == channel_id), None)

    def load_witnesses(self) -> list[WitnessSet]:
        """The Merkle witnesses on disk, the newest root first. Raises StoreCorrupt."""
        with self._reading() as connection:
            return load_witnesses(connection, str(self.path))

    def load_forced(self) -> list[ForcedRecord]:
        """All transactions with forced ops that were not dropped."""
        with self._reading() as connection:
            return load_forced(connection)

    async def save_forced(self, record: ForcedRecord) -> None:
        """Returns when it is on disk. Raises StoreFailed."""
        await self.write(SaveForced(record))

    async def drop_forced(self, key: str) -> None:
        """Returns when it is gone from disk. Raises StoreFailed."""
        await self.write(DropForced(key))

    def load_handed(self, tower: str) -> dict[int, int]:
        """What a watchtower has on disk: channel id to lane value."""
        with self._reading() as connection:
            return load_handed(connection, tower)

    def _reading(self) -> Connection:
        try:
            return self._engine.connect()
        except DBAPIError as error:
            raise StoreCorrupt(str(self.path), reason_of(error)) from error

    def _run(self) -> None:
        payments = 0
        with self._engine.connect() as connection:
            while True:
                group, is_last = self._next_group()
                if group and self._failure is None:
                    try:
                        with connection.begin():
                            changes = [change for job in group for change in job.changes]
                            apply_all(connection, changes, str(self.path))
                            payments += sum(
                                isinstance(change, SaveSigned | SaveReceived) for change in changes
                            )
                            if payments >= SLACK:
                                prune(connection, self._bills_kept)
                                payments = 0
                    except StoreFailed as error:
                        self._failure = error.reason
                    except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
                        self._failure = reason_of(error)
                self._answer(group)
                if is_last:
                    return

    def _next_group(self) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        jobs = self._jobs.get()
        while jobs is not None:
            group += jobs
            if len(group) >= _MAX_GROUP:
                return group, False
            try:
                jobs = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _answer(self, group: Iterable[_Job]) -> None:
        failure = self._failure
        by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for job in group:
            if job.done is not None:
                by_loop.setdefault(job.done.get_loop(), []).append(job.done)
        for loop, futures in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, futures, str(self.path), failure)


def _resolve(futures: list[asyncio.Future[None]], path: str, failure: str | None) -> None:
    for future in futures:
        if future.cancelled():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(StoreFailed(path, failure))


def stored_contract(folder: Path | str) -> str | None:
    """The rollup that the store in `folder` is about; None where there is no store or it is older.

    Raises StoreCorrupt.
    """
    path = Path(folder) / FILE_NAME
    if not path.exists():
        return None
    engine = connect(path, read_only=True)
    try:
        with engine.connect() as connection:
            if int(connection.scalar(text("PRAGMA user_version")) or 0) < schema.HAS_CONTRACT:
                return None
            contract: str | None = connection.execute(select(schema.identity.c.contract)).scalar()
            return contract
    except DBAPIError as error:
        raise StoreCorrupt(str(path), reason_of(error)) from error
    finally:
        engine.dispose()
