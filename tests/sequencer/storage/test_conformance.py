"""What the sequencer asks of its database, whichever it is: durable, atomic, one moment a read."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, text

from sequencer.errors import DatabaseTooNew, StorageError, StorageFailed, StorageReadOnly
from sequencer.storage import blobs, events, meta, queue
from sequencer.storage.database import Database
from sequencer.storage.schema import meta as meta_table
from sequencer.storage.schema import metadata
from tests.sequencer.databases import both_databases
from tests.vectors import generate

WAIT_S = 60.0
pytestmark = both_databases


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url)
    yield database
    database.close()


def test_migrations_lead_to_exactly_the_schema_that_the_code_uses(database: Database) -> None:
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_opening_again_keeps_what_was_written(database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as connection:
        meta.put(connection, "a", 7)
    database.close()
    database = Database.open(database_url)
    with database.read() as connection:
        assert meta.get_int(connection, "a", 0) == 7
    database.close()


def test_several_processes_may_open_an_empty_database_at_once(database_url: str) -> None:
    failures: list[StorageError] = []

    def opened() -> None:
        try:
            Database.open(database_url).close()
        except StorageError as error:
            failures.append(error)

    threads = [threading.Thread(target=opened) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert failures == []


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    def interrupted() -> None:
        with database.write() as connection:
            meta.put(connection, "a", 7)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    with database.read() as connection:
        assert meta.get(connection, "a") is None


def test_a_read_sees_one_moment_whatever_is_written_meanwhile(database: Database) -> None:
    with database.read() as reading:
        before = meta.get_int(reading, "a", 0)
        with database.write() as writing:
            meta.put(writing, "a", 7)
        assert meta.get_int(reading, "a", 0) == before
    with database.read() as reading:
        assert meta.get_int(reading, "a", 0) == 7


def test_whoever_waits_is_told_once_a_write_can_be_read(database: Database) -> None:
    seen: list[int] = []

    def on_commit() -> None:
        with database.read() as connection:
            seen.append(meta.get_int(connection, "a", 0))

    database.on_commit = on_commit
    with database.write() as connection:
        meta.put(connection, "a", 7)
    assert seen == [7]


def test_a_database_of_a_newer_version_is_one_clear_error(database_url: str) -> None:
    database = Database.open(database_url)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(DatabaseTooNew) as caught:
        Database.open(database_url)
    assert caught.value.revision == "9999"
    assert "later" in str(caught.value)


def test_a_refused_statement_never_quotes_its_values(database: Database) -> None:
    row = [{"key": "k", "value": "hidden"}] * 2
    with pytest.raises(StorageFailed) as caught, database.write() as connection:
        connection.execute(insert(meta_table), row)
    assert "hidden" not in str(caught.value)


def test_what_is_written_in_a_read_is_refused_or_forgotten(database: Database) -> None:
    try:
        with database.read() as connection:
            meta.put(connection, "a", 7)
    except StorageReadOnly:
        pass
    with database.read() as connection:
        assert meta.get(connection, "a") is None


def test_events_number_themselves_in_order(database: Database) -> None:
    with database.write() as connection:
        events.add(connection, "soft", [f"{i:064x}" for i in range(600)], 1.5)
    with database.read() as connection:
        first = events.after(connection, 0)
        rest = events.after(connection, first[-1].id)
    assert [one.subject for one in first + rest] == [f"{i:064x}" for i in range(600)]
    assert [one.id for one in first] == sorted(one.id for one in first)


def test_a_blob_comes_back_as_it_was_and_stays_the_first(database: Database) -> None:
    hash_, blob = bytes(range(32)), bytes(range(256)) * 512
    with database.write() as connection:
        blobs.put(connection, hash_, 3, blob)
        blobs.put(connection, hash_, 4, b"another")
    with database.read() as connection:
        assert blobs.find(connection, hash_) == blob
        assert blobs.newest_of_batch(connection, 3) == blob
        assert blobs.newest_of_batch(connection, 4) is None


def test_ops_of_every_kind_survive_their_rows(database: Database) -> None:
    ops = {op.number: op for op in generate.queue_ops()}
    with database.write() as connection:
        queue.add(connection, list(ops.values()), 2.5)
    with database.read() as connection:
        found = queue.between(connection, 0)
        assert queue.newest(connection) == max(ops)
    assert {one.op.number: one.op for one in found} == ops
    assert {one.seen_at for one in found} == {2.5}


def test_the_largest_numbers_survive(database: Database) -> None:
    largest = (1 << 63) - 1
    with database.write() as connection:
        meta.put(connection, "root", 1 << 254)
        events.add(connection, "x", ["y"], 1e9 + 0.25)
        statement = text("INSERT INTO queue_ops VALUES (:n, '{}', :n, 0)")
        connection.execute(statement, {"n": largest})
    with database.read() as connection:
        assert meta.get_int(connection, "root", 0) == 1 << 254
        assert events.after(connection, 0)[0].at == 1e9 + 0.25
        assert queue.newest(connection) == largest
