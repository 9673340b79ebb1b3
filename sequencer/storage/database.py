"""One open database: WAL, full sync, migrated to this version's schema before anything else.

A write is one transaction that is on disk when its `with` block ends, or has not happened at all;
what the database refuses is a StorageError that names the file and never the statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from sequencer.errors import (
    DatabaseTooNew,
    StorageError,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
)

__all__ = ["Connection", "Database", "sqlite_url", "storage_error"]

BUSY_TIMEOUT_MS = 10_000


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


class Database:
    """A connection pool on a migrated schema. Safe to use from several threads.

    `on_commit` is called after every write, in its thread: what it shows is on disk.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        self.on_commit: Callable[[], None] = _tell_nobody

    @classmethod
    def open(cls, url: str) -> Database:
        """Connect and migrate. Raises DatabaseTooNew, StorageError."""
        parsed = make_url(url)
        name = parsed.database or url
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            _tune_sqlite(engine)
        database = cls(engine, name)
        try:
            database._migrate()
        except BaseException:
            engine.dispose()
            raise
        return database

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; nothing written in it is kept."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All that is written in the block is committed at its end, or none of it."""
        with self._translated(), self._engine.connect() as plain:
            connection = plain.execution_options(wattlane_write=True)
            with connection.begin():
                yield connection
        self.on_commit()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise storage_error(self.name, error) from error

    def _migrate(self) -> None:
        """Bring the schema to the newest version that we ship, in one transaction."""
        folder = resources.files("sequencer.storage") / "migrations"
        with resources.as_file(folder) as location:
            config = Config()
            config.set_main_option("script_location", str(location).replace("%", "%%"))
            script = ScriptDirectory.from_config(config)
            with self.read() as connection:
                present = MigrationContext.configure(connection).get_current_revision()
            if present == script.get_current_head():
                return
            known = {one.revision for one in script.walk_revisions()}
            if present is not None and present not in known:
                raise DatabaseTooNew(self.name, present)
            with self.write() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


def _tell_nobody() -> None:
    """Nobody waits for what is new."""


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where it guesses
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if connection.execute("PRAGMA query_only").fetchone() == (0,):
            connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("wattlane_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def storage_error(name: str, error: SQLAlchemyError) -> StorageError:
    """The typed error of a refusal."""
    why = str(error.orig) if isinstance(error, DatabaseError) else str(error)
    if "full" in why or "No space left" in why:
        return StorageFull(name)
    if "readonly" in why or "read-only" in why or "unable to open" in why:
        return StorageReadOnly(name)
    return StorageFailed(name, why.splitlines()[0] if why else type(error).__name__)
