"""What only SQLite has: its file, its journal, its disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from sequencer.errors import BadSettings, StorageFailed, StorageFull, StorageReadOnly
from sequencer.storage import meta
from sequencer.storage.database import Database, sqlite_url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def test_writes_are_fully_synced_in_wal_mode(path: Path) -> None:
    database = Database.open(sqlite_url(path))
    with database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.close()


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


@pytest.mark.parametrize("url", ["nonsense", "mysql://nowhere/x", "oracle9://nowhere/x"])
def test_a_url_of_no_database_of_ours_is_a_setting_that_makes_no_sense(url: str) -> None:
    with pytest.raises(BadSettings):
        Database.open(url)
