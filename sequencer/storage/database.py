"""One open database, SQLite or PostgreSQL, migrated to this version's schema before anything else.

A write is one transaction that is on disk when its `with` block ends, or has not happened at all;
what the database refuses is a StorageError that names the database and never the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from sequencer.errors import (
    BadSettings,
    DatabaseTooNew,
    StorageError,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
)
from sequencer.storage.dialects import READ, WRITE, begin_options, lock_migrations, make_engine

__all__ = ["Connection", "Database", "migrations", "sqlite_url", "storage_error"]


_MIGRATIONS = Path(__file__).with_name("migrations")


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


class Database:
    """A connection pool on a migrated schema. Safe to use from several threads.

    `on_commit` is called after every write, in its thread: what it shows is on disk.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.on_commit: Callable[[], None] = _tell_nobody

    @classmethod
    def open(cls, url: str) -> Database:
        """Connect and migrate. Raises BadSettings, DatabaseTooNew, StorageError."""
        try:
            parsed = make_url(url)
            engine = make_engine(parsed)
        except (SQLAlchemyError, ImportError) as error:
            raise BadSettings(f"database_url: {error}") from error
        database = cls(engine, parsed.database or parsed.get_backend_name())
        try:
            database._migrate()
        except BaseException:
            engine.dispose()
            raise
        return database

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; nothing written in it is kept."""
        with self._translated(), self.engine.connect() as plain:
            connection = plain.execution_options(**begin_options(self.engine, READ))
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """All that is written in the block is committed at its end, or none of it."""
        with self._translated(), self.engine.connect() as plain:
            connection = plain.execution_options(**begin_options(self.engine, WRITE))
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
        config = migrations()
        script = ScriptDirectory.from_config(config)
        with self.read() as connection:
            present = MigrationContext.configure(connection).get_current_revision()
        if present == script.get_current_head():
            return
        known = {one.revision for one in script.walk_revisions()}
        if present is not None and present not in known:
            raise DatabaseTooNew(self.name, present)
        with self.write() as connection:
            lock_migrations(connection)  # what another process did meanwhile is not done again
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def migrations() -> Config:
    """Alembic on our migrations; `attributes["connection"]` is where they run."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _tell_nobody() -> None:
    """Nobody waits for what is new."""


def storage_error(name: str, error: SQLAlchemyError) -> StorageError:
    """The typed error of a refusal."""
    why = str(error.orig) if isinstance(error, DatabaseError) else str(error)
    if "full" in why or "No space left" in why:
        return StorageFull(name)
    if "readonly" in why or "read-only" in why or "unable to open" in why:
        return StorageReadOnly(name)
    return StorageFailed(name, why.splitlines()[0] if why else type(error).__name__)
