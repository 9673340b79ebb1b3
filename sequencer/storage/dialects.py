"""What differs between SQLite and PostgreSQL, so that nothing above it has to know which it is.

Both: a write that has ended is on the disk, and a read sees one moment. SQLite has one writer at a
time, from the beginning of its transaction on; PostgreSQL has many, and rows are locked as they
are written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_S = 5
POOL_SIZE = 5
READ, WRITE = "read", "write"
KIND = "wattlane_kind"
"""The execution option that says which of the two a transaction is."""

_MIGRATION_LOCK = 0x57415454_4D494752
_DURABLE = "-c synchronous_commit=on -c idle_in_transaction_session_timeout=60000"


def make_engine(url: URL) -> Engine:
    """A pool of connections, each set up for durable writes and consistent reads.

    Raises SQLAlchemyError for a URL of another database, ImportError without its driver.
    """
    backend = url.get_backend_name()
    if backend == "postgresql":
        return _postgres(url)
    if backend != "sqlite":
        raise ArgumentError(f"{backend} is neither sqlite nor postgresql")
    engine = create_engine(url)
    _tune_sqlite(engine)
    return engine


def begin_options(engine: Engine, kind: str) -> dict[str, object]:
    """The execution options of a transaction of this kind."""
    if engine.dialect.name == "postgresql" and kind == READ:
        return {KIND: kind, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {KIND: kind}


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert those rows whose unique values are not there yet; the others change nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), list(rows))
    else:
        connection.execute(sqlite_dialect.insert(table).on_conflict_do_nothing(), list(rows))


def lock_migrations(connection: Connection) -> None:
    """Let nobody else migrate until this transaction ends; SQLite's writers are alone anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def _postgres(url: URL) -> Engine:
    """A connection that the server has closed meanwhile is replaced before it is used."""
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        connect_args={
            "application_name": "wattlane",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": " ".join([*options, _DURABLE]).strip(),
        },
    )


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
        kind = connection.get_execution_options().get(KIND)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if kind == WRITE else "BEGIN")
