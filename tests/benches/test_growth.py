"""A simulated day is the same for a seed; counting makes the batches that the ledger makes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benches.growth.costs import Gas, proof_seconds
from benches.growth.day import Day, Terms, final_time, live
from benches.growth.demand import Kind, Rates, neighbours, wishes
from benches.growth.desks import CountingDesk
from benches.growth.real import RealDesk
from protocol.crypto import compiled
from protocol.windows import LOW_BITS
from sequencer.sealing import SealingPolicy

BUSY = Rates(top_ups_a_channel=1.0, closes_a_channel=0.5, alone=0.3, transfers=0.5, forced=0.1)
POLICY = SealingPolicy(maximum_age_s=600.0)
PATIENT = replace(POLICY, patient_above_wei=0)


def shapes(day: Day) -> list[tuple[int, int, int]]:
    return [(one.proofs, len(one.wishes), one.ops) for one in day.batches]


def counted(
    homes: int,
    policy: SealingPolicy,
    provers: int = 1,
    proof_s: float = 2.0,
    rates: Rates = BUSY,
) -> Day:
    desk = CountingDesk(policy, len(neighbours(homes)))
    return live(desk, wishes(homes, 24, 7, rates), Terms(policy, proof_s, provers))


def test_the_same_seed_gives_the_same_day_and_another_another() -> None:
    assert wishes(200, 24, 7, BUSY) == wishes(200, 24, 7, BUSY)
    assert wishes(200, 24, 7, BUSY) != wishes(200, 24, 8, BUSY)
    assert shapes(counted(200, POLICY)) == shapes(counted(200, POLICY))


@pytest.mark.parametrize("policy", [POLICY, PATIENT], ids=["cheap", "dear"])
def test_counting_makes_the_batches_that_the_ledger_makes(
    policy: SealingPolicy, tmp_path: Path
) -> None:
    compiled.install()
    homes = 30
    wished = wishes(homes, 24, 7, BUSY)
    assert {one.kind for one in wished} >= {Kind.CLOSE, Kind.OPEN, Kind.CLAIM, Kind.FORCED_EXIT}
    desk = RealDesk(tmp_path, homes, policy)
    try:
        real = live(desk, wished, Terms(policy, 2.0))
    finally:
        desk.close()
    day = counted(homes, policy)
    assert desk.refusals == []
    assert shapes(real) == shapes(day)
    assert (real.proved_s, real.final_s) == (day.proved_s, day.final_s)
    assert desk.cpu_s > 0


def test_windows_end_proofs_early_where_homes_are_many() -> None:
    few = counted(1_000, PATIENT)
    many = counted(3 << LOW_BITS, PATIENT, rates=Rates())
    assert few.taken / few.proofs > 2 * many.taken / many.proofs


def test_a_dear_l1_makes_fewer_batches_of_more_and_later() -> None:
    cheap, dear = counted(1_000, POLICY), counted(1_000, PATIENT)
    gas = Gas.load()
    assert cheap.taken == dear.taken
    assert gas.day(dear) < gas.day(cheap)
    assert max(dear.proved_s) > max(cheap.proved_s)
    assert max(dear.proved_s) < PATIENT.patient_age_s + 60


def test_a_slow_prover_delays_and_more_of_them_help() -> None:
    slow = counted(1_000, POLICY, proof_s=100.0)
    helped = counted(1_000, POLICY, 4, proof_s=100.0)
    assert sum(helped.proved_s) < sum(slow.proved_s)
    assert slow.busiest_hour_s <= 3_600 + 100


def test_costs_are_those_of_the_snapshots() -> None:
    gas = Gas(
        {
            "batch of 1 proof, the whole transaction with full data": 100,
            "batch of 4 proofs, the whole transaction with full data": 160,
            "batch of 16 proofs, the whole transaction with full data": 280,
            "each queue op in a batch": 7,
            "a withdrawal in a batch, to a new recipient": 5,
            "each further withdrawal, to a new recipient": 3,
        }
    )
    assert gas.batch(1, 0, 0) == 100
    assert gas.batch(2, 1, 3) == 120 + 7 + 5 + 2 * 3
    assert gas.batch(4, 0, 0) == 160
    assert gas.batch(10, 0, 0) == 220
    assert 0.1 < proof_seconds().value < 60
    assert final_time(0) == 0
    assert final_time(3 * 384 + 1) == 384


def test_every_wish_of_a_day_is_done() -> None:
    day = counted(200, POLICY)
    wished = Counter(one.kind for one in wishes(200, 24, 7, BUSY))
    done = Counter(wish.kind for one in day.batches for wish, _ in one.wishes)
    assert done == {kind: count for kind, count in wished.items() if kind in done}
    assert sum(one.ops for one in day.batches) == day.ops
    assert len(day.final_s) == day.taken
