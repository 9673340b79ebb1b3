"""A batch of several proofs: how it is filled, and that a crash at any step loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.batches import most_proofs
from protocol.batch import Shape, challenge, public_inputs
from protocol.transactions import Transfer
from sequencer.errors import CorruptDatabase, ForeignBatch
from sequencer.sealing import SealedBatch
from sequencer.storage.schema import BatchStatus
from sequencer.views import Views
from tests.protocol.street import ANNA, BERT, FUNDS_NTOK, Home, home, signed
from tests.sequencer.world import FEE_NTOK, MADE, OPERATOR, PROOF, SHAPE, World, on_l1

K = 3
Q, N = SHAPE.queue_slots, SHAPE.user_slots


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "sequencer.db", proofs_per_batch=K)
    world.open_street()
    yield world
    world.close()


def submit_many(world: World, count: int, first: int = 0) -> list[str]:
    return [world.ledger.submit(world.transfer(first + i)) for i in range(count)]


def wanted(world: World) -> list[tuple[str, int]]:
    """The proofs that are missing, by their batch's seal."""
    return [(batch.id, place) for batch, place in world.ledger.wanted_proofs()]


def check_chain(batch: SealedBatch) -> None:
    """One time, one challenge, roots chained, coverage that never falls."""
    z = challenge(batch.proofs)
    assert batch.inputs == tuple(public_inputs(proof, z) for proof in batch.proofs)
    assert {proof.context.l1_time for proof in batch.proofs} == {batch.l1_time}
    for before, after in zip(batch.proofs, batch.proofs[1:], strict=False):
        assert before.new_root == after.old_root
        assert before.context.queue_covered <= after.context.queue_covered
    assert batch.new_root == batch.state.root


# ------------------------------------------------------------------------------ filling


def test_transactions_fill_one_proof_after_another_in_their_order(world: World) -> None:
    ids = submit_many(world, 2 * N + 1)
    batch = world.sealed()
    check_chain(batch)
    assert [len(proof.users) for proof in batch.proofs] == [N, N, 1]
    assert [one.id for one in batch.included] == ids
    operator = batch.state.account(OPERATOR.index)
    assert operator.balance_ntok == FUNDS_NTOK + FEE_NTOK * len(ids)


def test_a_batch_has_no_more_proofs_than_it_may_and_the_rest_waits(world: World) -> None:
    ids = submit_many(world, K * N + 2)
    first, second = world.sealed(), world.sealed()
    assert [len(first.proofs), len(second.proofs)] == [K, 1]
    assert [one.id for one in second.included] == ids[K * N :]
    assert second.old_root == first.new_root


def test_a_batch_is_never_larger_than_the_contract_takes(tmp_path: Path) -> None:
    shape = Shape(queue_slots=16, user_slots=4)
    world = World(tmp_path / "wide.db", shape=shape, proofs_per_batch=16)
    assert world.ledger.sealing.proofs_per_batch == most_proofs(shape) == 2
    assert world.ledger.most_transactions == 8
    world.close()


def test_little_traffic_makes_one_proof(world: World) -> None:
    submit_many(world, N)
    assert len(world.sealed().proofs) == 1


def test_each_proof_consumes_what_is_due_and_covers_up_to_the_next(world: World) -> None:
    for _ in range(2 * Q + 1):
        world.deposit(0, 50)
    times = [op.enqueue_time for op in world.ledger.book.ops]
    batch = world.sealed()
    check_chain(batch)
    assert [len(proof.queue) for proof in batch.proofs] == [Q, Q, 1]
    covered = [proof.context.queue_covered for proof in batch.proofs]
    assert covered == [times[Q], times[2 * Q], world.l1_time]
    assert batch.last_op == world.enqueued


def test_ops_beyond_the_last_proof_stay_and_bound_what_is_covered(world: World) -> None:
    for _ in range(K * Q + 1):
        world.deposit(0, 50)
    batch = world.sealed()
    assert (len(batch.proofs), batch.queue_covered) == (K, world.l1_time)
    assert batch.queue_covered == world.ledger.book.open_ops[0].enqueue_time


def test_a_transaction_goes_into_the_proof_that_consumes_the_op_it_needs(world: World) -> None:
    for _ in range(Q):
        world.deposit(1, 1)
    early = world.ledger.submit(world.transfer())
    world.deposit(0, FUNDS_NTOK)
    late = world.ledger.submit(world.transfer(1, amount_ntok=FUNDS_NTOK))
    batch = world.sealed()
    assert [one.id for one in batch.included] == [early, late]
    assert [(len(proof.queue), len(proof.users)) for proof in batch.proofs] == [(Q, 1), (1, 1)]


def test_what_no_longer_applies_starts_no_proof_of_its_own(world: World) -> None:
    ids = submit_many(world, N)
    stale = world.ledger.submit(world.transfer(sender=BERT, to=ANNA))
    batch = world.ledger.book.soft.pending[-1]
    expired = replace(batch, transaction=world.transfer(9, sender=BERT, to=ANNA))
    world.ledger.book.soft.pending[-1] = expired  # as a rule that changed in between would
    sealed = world.sealed()
    assert [one.id for one in sealed.included] == ids
    assert len(sealed.proofs) == 1
    assert world.status(stale) == "rejected"


def test_what_does_not_fit_a_proofs_windows_begins_the_next(tmp_path: Path) -> None:
    world = World(tmp_path / "far.db", proofs_per_batch=K)
    far: list[Home] = [replace(home(3 + i), index=5_000 * (i + 1)) for i in range(3)]
    world.open_street()
    world.new_accounts(*far)
    world.to_final(world.sealed())

    def pay(payer: Home, payee: Home, nonce: int = 0) -> str:
        body = Transfer(payer.index, payee.index, nonce, 5, FEE_NTOK, world.later)
        return world.ledger.submit(signed(body, payer))

    ids = [pay(ANNA, BERT), pay(ANNA, far[0], 1), pay(far[1], far[2]), pay(ANNA, BERT, 2)]
    batch = world.sealed()
    check_chain(batch)
    assert [len(proof.users) for proof in batch.proofs] == [2, 1, 1]
    assert [one.id for one in batch.included] == ids
    world.restart()
    assert wanted(world) == [(batch.id, place) for place in range(3)]
    world.close()


# ------------------------------------------------------------------------------ when to seal


def test_much_traffic_while_the_prover_is_busy_makes_one_batch_of_many_proofs(
    world: World,
) -> None:
    submit_many(world, N)
    first = world.ledger.seal()
    assert first is not None
    submit_many(world, 2 * N + 1, first=N)
    world.clock_s += 100
    assert world.ledger.seal() is None  # it goes on filling
    world.prove(first)
    second = world.ledger.seal()
    assert second is not None
    assert len(second.proofs) == K


def test_soft_receipts_count_places_over_all_proofs_of_a_batch(world: World) -> None:
    ids = submit_many(world, K * N + 1)
    receipts = [Views(world.ledger).transaction(id_)["receipt"] for id_ in ids]
    places = [(int(one["batch"]), int(one["position"])) for one in receipts]
    assert places == [(2 + i // (K * N), i % (K * N)) for i in range(K * N + 1)]
    opened = Views(world.ledger).batch(2)
    assert (opened["status"], opened["transactions"]) == ("open", ids[: K * N])


# ------------------------------------------------------------------------------ crashes


def statuses(world: World) -> list[tuple[int, BatchStatus, dict[int, bytes]]]:
    return [(c.sealed.number, c.status, dict(c.proofs_bytes)) for c in world.ledger.book.chain]


def test_a_restart_after_each_step_finds_the_batch_and_the_proofs_made(world: World) -> None:
    ids = submit_many(world, N + 2)
    world.deposit(0, 5)
    submit_many(world, N, first=N + 2)
    batch = world.sealed()
    assert len(batch.proofs) == K
    made = {2: bytes([2]) * 512, 0: bytes([0]) * 512, 1: bytes([1]) * 512}
    kept: dict[int, bytes] = {}
    for place, proof_bytes in made.items():
        world.restart()
        assert statuses(world) == [(batch.number, BatchStatus.SEALED, kept)]
        assert world.ledger.next_to_submit() is None
        assert wanted(world) == [(batch.id, other) for other in range(K) if other not in kept]
        assert world.ledger.record_proof(batch, place, replace(MADE, proof_bytes=proof_bytes))
        assert not world.ledger.record_proof(batch, place, MADE)  # made once
        kept[place] = proof_bytes
    world.restart()
    assert statuses(world) == [(batch.number, BatchStatus.PROVED, kept)]
    assert {world.status(id_) for id_ in ids} == {"proved"}
    world.new_block(batches=(on_l1(batch),))
    world.restart()
    assert world.ledger.book.final_state.root == batch.new_root
    assert {world.status(id_) for id_ in ids} == {"final"}


def test_a_batch_sealed_anew_voids_all_its_proofs(world: World) -> None:
    ids = submit_many(world, N + 1)
    batch = world.sealed()
    world.ledger.record_proof(batch, 1, MADE)
    world.new_block(seconds=60)
    world.ledger.void_from(batch.number, batch.id)
    again = world.sealed()
    assert [one.id for one in again.included] == ids
    assert wanted(world) == [(again.id, 0), (again.id, 1)]
    world.restart()
    assert wanted(world) == [(again.id, 0), (again.id, 1)]


def test_the_proofs_of_a_batch_are_shown_each_with_its_own_figures(world: World) -> None:
    submit_many(world, N + 1)
    batch = world.sealed()
    world.ledger.record_proof(batch, 0, MADE)
    shown = Views(world.ledger).batch(batch.number)
    assert [one["transaction_count"] for one in shown["proofs"]] == [str(N), "1"]
    assert [one["proof"] for one in shown["proofs"]] == ["0x" + PROOF.hex(), None]
    assert (shown["status"], shown["prove_seconds"]) == ("sealed", None)
    world.ledger.record_proof(batch, 1, replace(MADE, prove_seconds=2.0))
    shown = Views(world.ledger).batch(batch.number)
    assert [one["prove_seconds"] for one in shown["proofs"]] == [1.5, 2.0]
    assert (shown["status"], shown["prove_seconds"], shown["constraints"]) == ("proved", 3.5, 1_000)
    assert [one["new_root"] for one in shown["proofs"]][-1] == shown["new_root"]


def test_a_database_whose_proofs_cover_something_else_is_found_out(world: World) -> None:
    submit_many(world, N + 1)
    assert len(world.sealed().proofs) == 2
    with world.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE proofs SET transaction_count = transaction_count + 2 * place - 1 "
            "WHERE batch = (SELECT max(batch) FROM proofs)"
        )
    with pytest.raises(CorruptDatabase):
        world.restart()


# ------------------------------------------------------------------------------ foreign batches


def test_a_batch_of_several_proofs_that_another_sequencer_made_is_rebuilt(
    world: World, tmp_path: Path
) -> None:
    for _ in range(Q + 1):
        world.deposit(0, 50)
    submit_many(world, N + 1)
    batch = world.sealed()
    other = World(tmp_path / "other.db", proofs_per_batch=1)
    other.open_street()
    for _ in range(Q + 1):
        other.deposit(0, 50)
    middle = replace(batch.proofs[0], new_root=batch.proofs[0].new_root + 1)
    lie = replace(on_l1(batch), statements=(middle, *batch.proofs[1:]))
    with pytest.raises(ForeignBatch):
        other.new_block(batches=(lie,))
    other.new_block(batches=(on_l1(batch),))
    assert other.ledger.book.final_state.root == batch.new_root
    assert other.ledger.book.final_last_op == batch.last_op
    shown = Views(other.ledger).batch(batch.number)
    counts = [(one["op_count"], one["transaction_count"]) for one in shown["proofs"]]
    assert counts == [(str(Q), "0"), ("1", str(N)), ("0", "1")]
    other.restart()
    assert other.ledger.book.final_state.root == batch.new_root
    other.close()
