"""A journal on disk: documents are added and never changed, on disk before anyone is told.

SQLite, WAL, full sync, one table. A market writes one; whoever downloads it keeps a copy of the
same form, and computes everything from it again. The file's header names the key that signs it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from channels.store import connect
from contracts.process_lock import LockHeld, take_lock
from energy import store_file
from energy.canonical import digest
from energy.errors import JournalBroken, JournalInUse, JournalUnusable
from energy.market.entries import KEY_BYTES, Entry, following

FILE_NAME = "journal.db"
SCHEMA_VERSION = 1
_AT_ONCE = 500

_TABLES = (
    "CREATE TABLE IF NOT EXISTS header (key BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS entries (seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, "
    "digest BLOB NOT NULL UNIQUE, chain BLOB NOT NULL, signature BLOB NOT NULL, "
    "document BLOB NOT NULL)",
)
_INSERT = (
    "INSERT INTO entries (seq, time_ms, digest, chain, signature, document) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_SELECT = "SELECT seq, time_ms, document, chain, signature FROM entries WHERE "


class Journal:
    """An open journal. Thread-safe; what was added is on disk when `append` returns."""

    def __init__(self, folder: Path | str, key: bytes) -> None:
        """Open for writing, or begin, the journal that `key` (32 bytes) signs.

        Raises JournalInUse, JournalUnusable, JournalBroken.
        """
        self.path = Path(folder) / FILE_NAME
        self._writing = threading.Lock()
        self._unusable = partial(JournalUnusable, str(self.path))
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = take_lock(self.path.with_name("journal.lock"))
        except LockHeld as held:
            raise JournalInUse(str(self.path.parent), str(held)) from None
        except OSError as error:
            raise self._unusable(error.strerror or "no folder") from error
        self._engine = connect(self.path)
        try:
            self._begin(key)
            self.key = key
            self.last = self._newest()
        except BaseException:
            self.close()
            raise

    def _begin(self, key: bytes) -> None:
        with store_file.writing(self._engine, self._unusable) as connection:
            version = int(connection.scalar(text("PRAGMA user_version")) or 0)
            if version > SCHEMA_VERSION:
                raise self._unusable(f"version {version} is a newer program's")
            for table in _TABLES:
                connection.exec_driver_sql(table)
            found = connection.exec_driver_sql("SELECT key FROM header").scalar()
            if found is None:
                connection.exec_driver_sql("INSERT INTO header (key) VALUES (?)", (key,))
            elif bytes(found) != key:
                raise self._unusable("it is signed by another key than this one")
            connection.exec_driver_sql(f"PRAGMA user_version={SCHEMA_VERSION}")

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        if self._lock >= 0:
            self._engine.dispose()
            os.close(self._lock)
            self._lock = -1

    def append(self, entries: Sequence[Entry]) -> None:
        """Add entries that follow the last one; all or none of them.

        Raises JournalBroken, JournalUnusable.
        """
        with self._writing:
            checked = list(following(entries, self.key, self.last, check_signatures=False))
            with store_file.writing(self._engine, self._unusable) as connection:
                for one in checked:
                    row = (one.seq, one.time_ms, one.digest, one.chain, one.signature, one.document)
                    connection.exec_driver_sql(_INSERT, row)
            if checked:
                self.last = checked[-1]

    def find(self, document: bytes) -> Entry | None:
        """The entry of this very document, if there is one. Raises JournalUnusable."""
        with store_file.reading(self._engine, self._unusable) as connection:
            return _entry_of(connection, _SELECT + "digest = ?", digest(document))

    def entries(self, after: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """Entries after a number, in order, unchecked. Raises JournalUnusable."""
        left = limit
        while left is None or left > 0:
            with store_file.reading(self._engine, self._unusable) as connection:
                found = _page(connection, after, min(_AT_ONCE, left or _AT_ONCE))
            yield from found
            if len(found) < _AT_ONCE:
                return
            after = found[-1].seq
            left = None if left is None else left - len(found)

    def _newest(self) -> Entry | None:
        with store_file.reading(self._engine, self._unusable) as connection:
            newest = "seq = (SELECT max(seq) FROM entries) AND seq > ?"
            return _entry_of(connection, _SELECT + newest, 0)


def read_journal(folder: Path | str) -> tuple[bytes, Iterator[Entry]]:
    """The key and the entries of a journal's file, running or not, each checked as it comes.

    `folder`: its folder, or the file. Raises JournalUnusable; while it is gone through,
    JournalBroken too.
    """
    path = Path(folder)
    path = path / FILE_NAME if path.is_dir() else path
    if not path.exists():
        raise JournalUnusable(str(path), "there is no journal")
    engine, unusable = connect(path, read_only=True), partial(JournalUnusable, str(path))
    with store_file.reading(engine, unusable) as connection:
        version = int(connection.scalar(text("PRAGMA user_version")) or 0)
        if not 0 < version <= SCHEMA_VERSION:
            raise unusable(f"version {version}, this program reads 1")
        found = connection.exec_driver_sql("SELECT key FROM header").scalar()
    key = bytes(found or b"")
    if len(key) != KEY_BYTES:
        raise unusable("it does not say who signs it")

    def rows() -> Iterable[Entry]:
        after = 0
        while True:
            with store_file.reading(engine, unusable) as connection:
                page = _page(connection, after, _AT_ONCE)
            yield from page
            if len(page) < _AT_ONCE:
                engine.dispose()
                return
            after = page[-1].seq

    return key, following(rows(), key)


def newest_of(folder: Path | str) -> int:
    """The number of the last entry of a journal's file. Raises JournalUnusable."""
    path = Path(folder)
    path = path / FILE_NAME if path.is_dir() else path
    engine, unusable = connect(path, read_only=True), partial(JournalUnusable, str(path))
    with store_file.reading(engine, unusable) as connection:
        newest = connection.exec_driver_sql("SELECT max(seq) FROM entries").scalar()
    return int(newest or 0)


def _page(connection: Connection, after: int, limit: int) -> list[Entry]:
    rows = connection.exec_driver_sql(_SELECT + "seq > ? ORDER BY seq LIMIT ?", (after, limit))
    return [_entry(row) for row in rows]


def _entry_of(connection: Connection, query: str, *values: object) -> Entry | None:
    row = connection.exec_driver_sql(query, values).first()
    return None if row is None else _entry(row)


def _entry(row: Sequence[object]) -> Entry:
    seq, time_ms, document, chain, signature = row
    if not (
        isinstance(seq, int)
        and isinstance(time_ms, int)
        and isinstance(document, bytes)
        and isinstance(chain, bytes)
        and isinstance(signature, bytes)
    ):
        raise JournalBroken(seq if isinstance(seq, int) else 0, "its row holds something else")
    return Entry(seq, time_ms, document, chain, signature)
