"""One batcher at a time: the lock goes with its process, and a term that is over writes nothing."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from sequencer.errors import BatcherReplaced, StorageError
from sequencer.ledger import Ledger
from sequencer.storage.batcher_lock import batcher_lock, begin_term
from sequencer.storage.database import Database
from tests.sequencer.databases import both_databases
from tests.sequencer.world import RECEIPT_KEY, World
from tests.support.lock_holder import hold
from tests.support.services import PostgresServer

WAIT_S = 60.0
_FORKSERVER = multiprocessing.get_context("forkserver")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database.open(database_url)
    yield database
    database.close()


@both_databases
def test_the_lock_is_had_once_and_freed_by_a_kill(database: Database, database_url: str) -> None:
    ours, theirs = _FORKSERVER.Pipe()
    holder = _FORKSERVER.Process(target=hold, args=(database_url, theirs))
    holder.start()
    assert ours.poll(WAIT_S)
    assert ours.recv() is True
    lock = batcher_lock(database)
    assert not lock.take()
    holder.kill()
    holder.join(WAIT_S)
    deadline = 600
    while not lock.take():  # the server notices in its own time that the connection is gone
        deadline -= 1
        assert deadline
        holder.join(0.1)
    assert lock.take()
    other = batcher_lock(database)
    assert not other.take()
    lock.release()
    assert other.take()
    other.release()


def test_a_lock_that_the_server_has_lost_is_taken_again(postgres: PostgresServer) -> None:
    database = Database.open(postgres.new_database())
    lock, other = batcher_lock(database), batcher_lock(database)
    assert lock.take()
    postgres.stop_immediately()
    with pytest.raises(StorageError):
        lock.take()
    postgres.start()
    assert lock.take()
    assert not other.take()
    lock.release()
    database.close()


@both_databases
def test_a_batcher_whose_term_is_over_writes_nothing(world: World) -> None:
    database = world.database
    term = begin_term(database, "http://here")
    old = Ledger(
        database, world.rollup, world.policy, world.sealing, RECEIPT_KEY, lambda: 1.0, term
    )
    first = old.submit(world.transfer(0))
    begin_term(database, "http://elsewhere")
    for change in (lambda: old.submit(world.transfer(1)), lambda: old.seal(at_once=True)):
        with pytest.raises(BatcherReplaced):
            change()
    world.restart()
    assert [one.id for one in world.ledger.book.soft.pending] == [first]


def test_terms_are_numbered_across_restarts(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    terms = []
    for _ in range(3):
        database = Database.open(url)
        terms.append(begin_term(database, "http://here"))
        database.close()
    assert terms == [1, 2, 3]
