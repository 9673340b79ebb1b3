"""A dear L1: what the ledger makes wait, and what it never does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from protocol.transactions import Transfer
from sequencer.due import EXPIRY_MARGIN_S
from tests.protocol.street import ANNA, signed
from tests.sequencer.world import FEE_NTOK, World

DEAR_WEI = 51


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "sequencer.db")
    made.open_street()
    made.ledger.sealing = replace(made.ledger.sealing, patient_above_wei=DEAR_WEI - 1)
    made.ledger.base_fee_wei = DEAR_WEI
    yield made
    made.close()


def test_a_transaction_waits_for_company_until_l1_is_cheap_again(world: World) -> None:
    world.ledger.submit(world.transfer())
    world.clock_s += world.ledger.sealing.maximum_age_s
    assert world.ledger.seal() is None
    world.ledger.base_fee_wei = DEAR_WEI - 1
    assert world.ledger.seal() is not None


def test_a_transaction_waits_so_long_and_no_longer(world: World) -> None:
    world.ledger.submit(world.transfer())
    world.clock_s += world.ledger.sealing.patient_age_s - 1
    assert world.ledger.seal() is None
    world.clock_s += 1
    assert world.ledger.seal() is not None


def test_a_queue_op_waits_by_l1s_clock_and_not_by_ours(world: World) -> None:
    world.deposit(0, 5)
    world.clock_s += 10 * world.ledger.sealing.patient_op_age_s
    assert world.ledger.seal() is None
    world.new_block(seconds=int(world.ledger.sealing.patient_op_age_s))
    batch = world.ledger.seal()
    assert batch is not None
    assert len(batch.ops) == 1


def test_a_transaction_is_never_made_to_wait_until_it_expires(world: World) -> None:
    until = world.l1_time + EXPIRY_MARGIN_S + 12
    world.ledger.submit(world.transfer())  # the first one, which lives longer
    world.ledger.submit(signed(Transfer(0, 1, 1, 5, FEE_NTOK, until), ANNA))
    assert world.ledger.seal() is None
    world.new_block(seconds=12)
    batch = world.ledger.seal()
    assert batch is not None
    assert len(batch.included) == 2
