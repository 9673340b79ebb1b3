"""Invariant: at most one process is the batcher of a database, and its death frees the place.

PostgreSQL: an advisory lock held by a connection of its own, which ends with the process or, where
its machine is gone, with TCP's keepalives. SQLite: flock on a file beside the database. A process
that lost its lock without noticing is kept from writing by its term, which the next one ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from sequencer.errors import StorageReadOnly
from sequencer.storage import meta
from sequencer.storage.database import Database, storage_error

_CLASS = 0x57415454
_TAKE = text(f"SELECT pg_try_advisory_lock({_CLASS}, hashtext(current_schema()))")
_KEEPALIVES = text(
    "SELECT set_config('tcp_keepalives_idle', '5', false),"
    " set_config('tcp_keepalives_interval', '2', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)


class BatcherLock(Protocol):
    """A place that one process has at a time. Used by one thread at a time."""

    def take(self) -> bool:
        """Take it, or keep it; False where another process has it. Raises StorageError."""

    def release(self) -> None:
        """Give it back."""


def batcher_lock(database: Database) -> BatcherLock:
    """The lock of this database."""
    if database.engine.dialect.name == "postgresql":
        return _PostgresLock(database.engine, database.name)
    return _FileLock(Path(database.engine.url.database or database.name))


def begin_term(database: Database, url: str) -> int:
    """Whoever has just taken the lock ends every earlier term; `url`: where it answers workers.

    Raises StorageError.
    """
    with database.write() as connection:
        meta.put(connection, meta.BATCHER_URL, url)
        return meta.next_term(connection)


class _PostgresLock:
    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._connection: Connection | None = None

    def take(self) -> bool:
        try:
            if self._connection is not None:
                if self._is_alive(self._connection):
                    return True
                self.release()
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            self._connection = connection
            connection.execute(_KEEPALIVES)
            if connection.scalar(_TAKE):
                return True
        except SQLAlchemyError as error:
            self.release()
            raise storage_error(self._name, error) from error
        self.release()
        return False

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except SQLAlchemyError:
                connection.invalidate()  # it is gone already, and the lock with it

    def _is_alive(self, connection: Connection) -> bool:
        try:
            connection.scalar(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True


class _FileLock:
    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".batcher")
        self._descriptor: int | None = None

    def take(self) -> bool:
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageReadOnly(str(self._path)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
