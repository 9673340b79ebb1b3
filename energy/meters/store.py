"""A household's own readings: record, raw bytes and salts, on disk before anyone sees the record.

SQLite, WAL, full sync; one process writes, others may read meanwhile. Nothing in it leaves the
house by itself. Erased salts are overwritten, in the file and in its log.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from channels.store import connect
from contracts.process_lock import LockHeld, take_lock
from energy import store_file
from energy.errors import (
    BadDocument,
    BadMeterName,
    MeterStoreInUse,
    MeterStoreUnusable,
    NoSuchReading,
    StoreOfAnotherMeter,
)
from energy.intervals import Interval
from energy.meters.commitments import DayRoot, decode_day
from energy.meters.corrections import Correction, decode_correction
from energy.meters.reading import Reading, decode_reading
from energy.meters.signing import Salts

FILE_NAME = "readings.db"
LOCK_NAME = "readings.lock"
SCHEMA_VERSION = 1
_AT_ONCE = 1_000
_LOG_WAIT_S = 5.0

_TABLES = (
    "CREATE TABLE IF NOT EXISTS meter (did TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS readings (sequence INTEGER PRIMARY KEY, end_ms INTEGER NOT NULL, "
    "record BLOB NOT NULL, raw BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS readings_end ON readings (end_ms)",
    "CREATE TABLE IF NOT EXISTS salts (sequence INTEGER PRIMARY KEY, raw BLOB NOT NULL, "
    "registers BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS days (start_ms INTEGER PRIMARY KEY, document BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS corrections (sequence INTEGER NOT NULL, number INTEGER NOT NULL, "
    "document BLOB NOT NULL, PRIMARY KEY (sequence, number))",
    "CREATE TABLE IF NOT EXISTS shared (market TEXT PRIMARY KEY, sequence INTEGER NOT NULL)",
)
_KEPT = (
    "SELECT r.sequence, r.record, r.raw, s.raw, s.registers FROM readings r "
    "LEFT JOIN salts s ON s.sequence = r.sequence WHERE "
)
_BETWEEN = (
    "SELECT sequence, record FROM readings WHERE end_ms >= ? AND end_ms < ? AND sequence > ? "
    "ORDER BY sequence LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A record with what is kept beside it. `salts`: None once they are erased."""

    reading: Reading
    raw: bytes
    salts: Salts | None


class MeterStore:
    """An open store of one meter. Thread-safe; what was added is on disk when `append` returns."""

    def __init__(self, folder: Path, did: str) -> None:
        """Open for writing, or begin, the store of a meter.

        Raises MeterStoreInUse, MeterStoreUnusable, StoreOfAnotherMeter.
        """
        self.path = folder / FILE_NAME
        self.did = did
        self._writing = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = take_lock(folder / LOCK_NAME)
        except LockHeld as held:
            raise MeterStoreInUse(str(folder), str(held)) from None
        except OSError as error:
            raise self._unusable(error.strerror or "no folder") from error
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._engine: Engine = connect(self.path)
            self._begin()
        except OSError as error:
            os.close(self._lock)
            raise self._unusable(error.strerror or "no file") from error
        except BaseException:
            os.close(self._lock)
            raise

    @classmethod
    def for_reading(cls, folder: Path) -> MeterStore:
        """Open the store that is there, also while another process writes to it.

        Raises MeterStoreUnusable.
        """
        store = cls.__new__(cls)
        store.path = folder / FILE_NAME
        store._writing = threading.Lock()
        store._lock = -1
        if not store.path.exists():
            reason = "there are none; `wattlane meter run` keeps them"
            raise store._unusable(reason)
        store._engine = connect(store.path, read_only=True)
        with store._read() as connection:
            store._check_version(connection)
            store.did = str(connection.exec_driver_sql("SELECT did FROM meter").scalar() or "")
        return store

    def _begin(self) -> None:
        with self._write() as connection:
            self._check_version(connection)
            for table in _TABLES:
                connection.exec_driver_sql(table)
            found = connection.exec_driver_sql("SELECT did FROM meter").scalar()
            if found is None:
                connection.exec_driver_sql("INSERT INTO meter (did) VALUES (?)", (self.did,))
            elif found != self.did:
                raise StoreOfAnotherMeter(str(self.path), str(found))
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")

    def __enter__(self) -> MeterStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        self._engine.dispose()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def append(self, kept: Sequence[Kept]) -> None:
        """Add records that follow the last one and were checked; all or none of them.

        Raises MeterStoreUnusable.
        """
        with self._writing, self._write() as connection:
            for one in kept:
                reading = one.reading
                row = (reading.sequence, reading.end_ms, reading.encoded, one.raw)
                connection.exec_driver_sql("INSERT INTO readings VALUES (?, ?, ?, ?)", row)
                if one.salts is not None:
                    salts = (reading.sequence, one.salts.raw, one.salts.registers)
                    connection.exec_driver_sql("INSERT INTO salts VALUES (?, ?, ?)", salts)

    def last(self) -> Reading | None:
        """The newest record, None before the first. Raises MeterStoreUnusable."""
        with self._read() as connection:
            newest = "SELECT record FROM readings ORDER BY sequence DESC LIMIT 1"
            found = connection.exec_driver_sql(newest).scalar()
        return None if found is None else self._record(found)

    def count(self) -> int:
        """How many records there are. Raises MeterStoreUnusable."""
        with self._read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM readings").scalar() or 0)

    def kept(self, sequence: int) -> Kept:
        """A record with its raw bytes and salts. Raises NoSuchReading, MeterStoreUnusable."""
        with self._read() as connection:
            row = connection.exec_driver_sql(_KEPT + "r.sequence = ?", (sequence,)).first()
        if row is None:
            raise NoSuchReading(sequence, "none of that number is kept")
        return self._kept(row)

    def everything(self) -> Iterator[Kept]:
        """All records with what is kept beside them, in order. Raises MeterStoreUnusable."""
        after = -1
        while True:
            with self._read() as connection:
                query = _KEPT + "r.sequence > ? ORDER BY r.sequence LIMIT ?"
                page = connection.exec_driver_sql(query, (after, _AT_ONCE)).all()
            yield from map(self._kept, page)
            if len(page) < _AT_ONCE:
                return
            after = page[-1][0]

    def readings(self, span: Interval | None = None, after: int = -1) -> Iterator[Reading]:
        """Records that end in a span (None: all), of higher sequence than `after`, in order.

        Raises MeterStoreUnusable.
        """
        start, end = (0, 1 << 62) if span is None else (span.start_ms, span.end_ms)
        while True:
            with self._read() as connection:
                at = (start, end, after, _AT_ONCE)
                page = connection.exec_driver_sql(_BETWEEN, at).all()
            for row in page:
                yield self._record(row[1])
            if len(page) < _AT_ONCE:
                return
            after = page[-1][0]

    def keep_correction(self, correction: Correction) -> None:
        """Keep a correction that was checked. Raises MeterStoreUnusable."""
        row = (correction.reading.sequence, correction.number, correction.encoded)
        with self._writing, self._write() as connection:
            connection.exec_driver_sql("INSERT INTO corrections VALUES (?, ?, ?)", row)

    def corrections(self) -> list[Correction]:
        """All corrections, by the reading's sequence and their own number.

        Raises MeterStoreUnusable.
        """
        query = "SELECT document FROM corrections ORDER BY sequence, number"
        with self._read() as connection:
            rows = connection.exec_driver_sql(query).all()
        return [decode_correction(row[0]) for row in rows]

    def shared_to(self, market: str) -> int:
        """The highest sequence that a market is known to have, -1 for none."""
        with self._read() as connection:
            query = "SELECT sequence FROM shared WHERE market = ?"
            found = connection.exec_driver_sql(query, (market,)).scalar()
        return -1 if found is None else int(found)

    def mark_shared(self, market: str, sequence: int) -> None:
        """A market (by its URL) has the record on its disk. Raises MeterStoreUnusable."""
        with self._writing, self._write() as connection:
            row = (market, sequence)
            connection.exec_driver_sql("INSERT OR REPLACE INTO shared VALUES (?, ?)", row)

    # --- days -----------------------------------------------------------------------------------

    def keep_day(self, day: DayRoot) -> None:
        """Keep a day's root; the first one of a day stays. Raises MeterStoreUnusable."""
        with self._writing, self._write() as connection:
            row = (day.start_ms, day.encoded)
            connection.exec_driver_sql("INSERT OR IGNORE INTO days VALUES (?, ?)", row)

    def day(self, start_ms: int) -> DayRoot | None:
        """The root of the day that begins then. Raises MeterStoreUnusable."""
        with self._read() as connection:
            query = "SELECT document FROM days WHERE start_ms = ?"
            found = connection.exec_driver_sql(query, (start_ms,)).scalar()
        return None if found is None else decode_day(found)

    def days(self) -> list[DayRoot]:
        """All roots in order. Raises MeterStoreUnusable."""
        with self._read() as connection:
            rows = connection.exec_driver_sql("SELECT document FROM days ORDER BY start_ms").all()
        return [decode_day(row[0]) for row in rows]

    def erase_salts(self, span: Interval, keep: Sequence[int] = ()) -> int:
        """Erase the salts of records that end in a span, but for some sequences; how many.

        Their commitments can be opened by nobody from then on. Raises MeterStoreUnusable.
        """
        with self._writing:
            with self._write() as connection:
                connection.exec_driver_sql("PRAGMA secure_delete=ON")
                rows = connection.exec_driver_sql(
                    "SELECT sequence FROM salts WHERE sequence IN "
                    "(SELECT sequence FROM readings WHERE end_ms >= ? AND end_ms < ?)",
                    (span.start_ms, span.end_ms),
                ).all()
                gone = sorted({row[0] for row in rows} - set(keep))
                for sequence in gone:
                    at = (sequence,)
                    connection.exec_driver_sql("DELETE FROM salts WHERE sequence = ?", at)
            self._empty_log()
        return len(gone)

    def _empty_log(self) -> None:
        """Write the log into the file and cut it to nothing, as it holds what was erased."""
        try:
            connection = sqlite3.connect(self.path, timeout=_LOG_WAIT_S)
            try:
                busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise self._unusable(str(error)) from error
        if busy:
            reason = "someone reads them, so erased salts are still in the log; erase once more"
            raise self._unusable(reason)

    # --- inside ---------------------------------------------------------------------------------

    def _record(self, record: object) -> Reading:
        try:
            return decode_reading(self._octets(record))
        except (BadDocument, BadMeterName) as error:
            raise self._unusable(f"a record is damaged: {error}") from error

    def _kept(self, row: Sequence[Any]) -> Kept:
        _, record, raw, *salts = row
        kept = None if salts[0] is None else Salts(*map(self._octets, salts))
        return Kept(self._record(record), self._octets(raw), kept)

    def _octets(self, found: object) -> bytes:
        if not isinstance(found, bytes):
            raise self._unusable("a row is damaged: it holds no bytes")
        return found

    def _write(self) -> AbstractContextManager[Connection]:
        return store_file.writing(self._engine, self._unusable)

    def _read(self) -> AbstractContextManager[Connection]:
        return store_file.reading(self._engine, self._unusable)

    def _check_version(self, connection: Connection) -> None:
        version = int(connection.scalar(text("PRAGMA user_version")) or 0)
        if version > SCHEMA_VERSION:
            raise self._unusable(f"version {version} is a newer program's")

    def _unusable(self, reason: str) -> MeterStoreUnusable:
        return MeterStoreUnusable(str(self.path), reason)
