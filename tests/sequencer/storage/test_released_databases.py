"""Databases that released versions wrote come along: everything in them is found and goes on.

released_0001.sql is the dump of one that the code of schema 0001 wrote, driven as tests drive a
World: batches 1 and 2 final, batch 3 proved and sent to L1, batch 4 sealed, a transaction waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sequencer.storage import batches, proofs
from sequencer.storage.schema import BatchStatus
from sequencer.views import Views
from tests.sequencer.world import MADE, PROOF, World, on_l1

RELEASED = Path(__file__).with_name("released_0001.sql")
SOFT_ROOT = 43765417849051081692468323348923273119237268843679400930881688469874871970063


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of the first schema."""
    path = tmp_path / "sequencer.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(RELEASED.read_text(encoding="utf-8"))
    connection.close()
    return path


@pytest.fixture
def world(path: Path) -> Iterator[World]:
    world = World(path, proofs_per_batch=3)
    world.l1_time, world.block, world.enqueued = world.ledger.book.position.l1_time, 15, 5
    yield world
    world.close()


def test_everything_that_was_on_its_way_is_still_there(world: World) -> None:
    book = world.ledger.book
    assert (book.final_number, len(book.soft.pending)) == (2, 1)
    assert book.soft.state.root == SOFT_ROOT
    assert [one.status for one in book.chain] == [BatchStatus.SUBMITTED, BatchStatus.SEALED]
    assert book.chain[0].proofs_bytes == {0: PROOF}
    assert world.ledger.next_to_submit() is book.chain[0]
    assert world.ledger.wanted_proofs() == [(book.chain[1].sealed, 0)]


def test_every_batch_has_one_proof_that_covers_all_of_it(world: World) -> None:
    with world.database.read() as connection:
        for row in batches.after(connection, 0):
            (proof,) = proofs.of_batch(connection, row.number)
            assert (proof.op_count, proof.transaction_count, proof.new_root) == (
                row.op_count,
                row.transaction_count,
                row.new_root,
            )
            assert proof.queue_covered == row.queue_covered
            assert (proof.proof_bytes, proof.constraints) == (
                (PROOF, 1_000) if row.number < 4 else (None, None)
            )
    for sealed in (one.sealed for one in world.ledger.book.chain):
        shown = Views(world.ledger).batch(sealed.number)["proofs"]
        assert [one["digest"] for one in shown] == [str(sealed.proofs[0].digest)]


def test_it_goes_on_to_be_final(world: World) -> None:
    three, four = (one.sealed for one in world.ledger.book.chain)
    world.new_block(batches=(on_l1(three, 16),))
    assert world.ledger.record_proof(four, 0, MADE)
    five = world.sealed()
    world.prove(five)
    world.new_block(batches=(on_l1(four, 17), on_l1(five, 17)))
    world.restart()
    assert world.ledger.book.final_number == 5
    assert world.ledger.book.final_state.root == five.new_root
