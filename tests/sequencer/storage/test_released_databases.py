"""Databases that released versions wrote come along: what was taken is still there and goes on.

released_0001.sql is the dump of one that the code of schema 0001 wrote, driven as tests drive a
World: batches 1 and 2 final, batch 3 proved and sent to L1, batch 4 sealed, a transaction waiting.
Its challenge was another one, so batches 3 and 4 have to be sealed anew. released_0002.sql has the
same batches of the code of schema 0002: what their proofs state was another thing then.
released_0003.sql is what Wattlane 0.1.0 writes, with the same batches: all of them stay.

The rows of each dump also come along on PostgreSQL, whose tables the same migrations make.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.engine import make_url

from sequencer.sealing import DataMode
from sequencer.storage import batches, proofs, sent
from sequencer.storage.database import migrations
from sequencer.storage.dialects import make_engine
from sequencer.storage.schema import BatchStatus
from sequencer.views import Views
from tests.sequencer.databases import both_databases
from tests.sequencer.world import PROOF, World

RELEASED = Path(__file__).with_name("released_0001.sql")
RELEASED_0002 = Path(__file__).with_name("released_0002.sql")
RELEASED_0003 = Path(__file__).with_name("released_0003.sql")
_TABLES = (
    *("meta", "batches", "proofs", "transactions"),  # batches before what refers to them
    *("queue_ops", "accounts", "channels", "l1_transactions", "events"),
)
_NUMBERED = (("events", "id"),)
"""What the database numbers by itself."""
WAITING = ["477c9129", "faf1d26a", "57f20ffc", "7a69de28"]
DIGEST_OF_BATCH_2 = 38631363236166641912701753116927080094093185026743204656695966225199432723448


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the first schema."""
    return _written(tmp_path, RELEASED)


def _written(folder: Path, dump: Path) -> Path:
    path = folder / "sequencer.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    connection.close()
    return path


@pytest.fixture
def world(path: Path) -> Iterator[World]:
    world = World(path, proofs_per_batch=3)
    world.l1_time, world.block, world.enqueued = world.ledger.book.position.l1_time, 15, 5
    yield world
    world.close()


def test_what_was_final_is_and_what_was_not_waits_again_in_its_order(world: World) -> None:
    book = world.ledger.book
    assert (book.final_number, book.chain) == (2, [])
    assert [one.id[:8] for one in book.soft.pending] == WAITING
    assert [op.number for op in book.open_ops] == [5]
    kinds = [(one["kind"], one["subject"]) for one in Views(world.ledger).events(0)]
    assert kinds[-2:] == [("voided", "batch 3"), ("voided", "batch 4")]


def test_every_final_batch_has_one_proof_that_covers_all_of_it(world: World) -> None:
    with world.database.read() as connection:
        rows = batches.after(connection, 0)
        for row in rows:
            (proof,) = proofs.of_batch(connection, row.number)
            assert proof.op_count == row.op_count
            assert proof.transaction_count == row.transaction_count
            assert (proof.new_root, proof.queue_covered) == (row.new_root, row.queue_covered)
            assert (proof.proof_bytes, proof.constraints) == (PROOF, 1_000)
    assert [row.number for row in rows] == [1, 2]
    (shown,) = Views(world.ledger).batch(2)["proofs"]
    assert int(shown["digest"]) == DIGEST_OF_BATCH_2


def test_it_goes_on_to_be_final(world: World) -> None:
    again = world.sealed()
    assert again.number == 3
    assert [one.id[:8] for one in again.included] == WAITING
    world.to_final(again)
    world.restart()
    assert world.ledger.book.final_number == 3
    assert world.ledger.book.final_state.root == again.new_root


def test_of_the_second_schema_too_what_was_not_final_is_sealed_anew(tmp_path: Path) -> None:
    world = World(_written(tmp_path, RELEASED_0002), proofs_per_batch=2)
    book = world.ledger.book
    world.l1_time, world.block, world.enqueued = book.position.l1_time, 14, 4
    assert (book.final_number, book.chain) == (2, [])
    assert len(book.soft.pending) == 3
    assert [op.number for op in book.open_ops] == [4]
    with world.database.read() as connection:
        assert [row.data_mode for row in batches.after(connection, 0)] == 2 * [DataMode.CALLDATA]
        (row,) = sent.of_nonce(connection, 5)
        assert (row.batch, row.fees) == (3, sent.NOT_KEPT)
    again = world.sealed()
    assert (again.number, len(again.included)) == (3, 3)
    world.to_final(again)
    world.restart()
    assert world.ledger.book.final_state.root == again.new_root
    world.close()


@both_databases
def test_what_the_first_release_wrote_stays_and_goes_on(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, proofs_per_batch=2, url=_as_released(database_url, RELEASED_0003))
    book = world.ledger.book
    world.l1_time, world.block, world.enqueued = book.position.l1_time, 14, 4
    assert (book.final_number, [one.sealed.number for one in book.chain]) == (2, [3, 4])
    assert [one.status for one in book.chain] == [BatchStatus.SUBMITTED, BatchStatus.SEALED]
    assert [one.id[:8] for one in book.soft.pending] == ["421aa8de"]
    for number in (3, 4):
        chained = book.find(number)
        assert chained is not None
        world.to_final(chained.sealed)
    world.to_final(world.sealed())
    world.restart()
    assert world.ledger.book.final_number == 5
    world.close()


@both_databases
@pytest.mark.parametrize("dump", [RELEASED, RELEASED_0002], ids=["0001", "0002"])
def test_older_schemas_come_along_on_either_database(
    tmp_path: Path, database_url: str, dump: Path
) -> None:
    world = World(tmp_path, proofs_per_batch=2, url=_as_released(database_url, dump))
    book = world.ledger.book
    assert (book.final_number, book.chain) == (2, [])
    assert book.soft.pending
    with world.database.read() as connection:
        assert [len(proofs.of_batch(connection, n)) for n in (1, 2)] == [1, 1]
    world.close()


def _as_released(url: str, dump: Path) -> str:
    """Fill the empty database at `url` as the release did; returns the URL."""
    script = dump.read_text(encoding="utf-8")
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.executescript(script)
        connection.close()
        return url
    source = sqlite3.connect(":memory:")
    source.executescript(script)
    (revision,) = source.execute("SELECT version_num FROM alembic_version").fetchone()
    engine = make_engine(make_url(url))
    with engine.begin() as target:
        config = migrations()
        config.attributes["connection"] = target
        command.upgrade(config, revision)
        for table in _TABLES:
            rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            named = [column[0] for column in rows.description]
            names = [one for one in named if (table, one) not in _NUMBERED]
            values = ", ".join(f":{name}" for name in names)
            statement = text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})")  # noqa: S608
            for row in rows:
                target.execute(statement, dict(zip(named, row, strict=True)))
    engine.dispose()
    source.close()
    return url
