from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert

from sequencer.errors import DatabaseTooNew, StorageFailed, StorageFull, StorageReadOnly
from sequencer.storage import meta
from sequencer.storage.database import Database, sqlite_url
from sequencer.storage.schema import meta as meta_table
from sequencer.storage.schema import metadata


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_migrations_lead_to_exactly_the_schema_that_the_code_uses(path: Path) -> None:
    database = Database.open(sqlite_url(path))
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_opening_again_keeps_what_was_written(path: Path) -> None:
    database = Database.open(sqlite_url(path))
    with database.write() as connection:
        meta.put(connection, "a", 7)
    database.close()
    database = Database.open(sqlite_url(path))
    with database.read() as connection:
        assert meta.get_int(connection, "a", 0) == 7
    database.close()


def test_writes_are_fully_synced_in_wal_mode(path: Path) -> None:
    database = Database.open(sqlite_url(path))
    with database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


def test_a_write_that_raises_leaves_nothing(path: Path) -> None:
    database = Database.open(sqlite_url(path))

    def interrupted() -> None:
        with database.write() as connection:
            meta.put(connection, "a", 7)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    with database.read() as connection:
        assert meta.get(connection, "a") is None
    database.close()


def test_a_database_of_a_newer_version_is_one_clear_error(path: Path) -> None:
    Database.open(sqlite_url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseTooNew) as caught:
        Database.open(sqlite_url(path))
    assert caught.value.revision == "9999"
    assert "later" in str(caught.value)


def test_a_full_disk_is_named_and_nothing_is_kept(path: Path) -> None:
    database = Database.open(sqlite_url(path))

    def fill() -> None:
        with database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            meta.put(connection, "big", "x" * 100_000)

    with pytest.raises(StorageFull):
        fill()
    with database.read() as connection:
        assert meta.get(connection, "big") is None
    database.close()


def test_a_read_only_database_is_named(path: Path) -> None:
    Database.open(sqlite_url(path)).close()
    database = Database.open(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(StorageReadOnly), database.write() as connection:
        meta.put(connection, "a", 1)
    database.close()


def test_a_file_that_is_no_database_is_an_error_not_a_crash(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageFailed):
        Database.open(sqlite_url(path))


def test_a_refused_statement_never_quotes_its_values(path: Path) -> None:
    database = Database.open(sqlite_url(path))
    row = [{"key": "k", "value": "hidden"}] * 2
    with pytest.raises(StorageFailed) as caught, database.write() as connection:
        connection.execute(insert(meta_table), row)
    assert "hidden" not in str(caught.value)
    database.close()
