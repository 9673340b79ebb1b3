"""Each metric moves when the thing that it names happens, and no other value stands for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from protocol.queue import ForcedExit
from sequencer.metrics import Metrics
from sequencer.standing import standing_of
from tests.sequencer.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "sequencer.db")
    made.open_street()
    yield made
    made.close()


class Scrapes:
    """What Prometheus would read."""

    def __init__(self, world: World) -> None:
        self.world, self.metrics = world, Metrics()
        self.lag_s, self.ailing = 0.0, list[str]()
        self.metrics.observe(
            lambda: standing_of(world.ledger, world.clock_s, self.lag_s), lambda: self.ailing
        )

    def __call__(self, name: str, **labels: str) -> float | None:
        text = self.metrics.render().decode()
        found = [
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == f"wattlane_{name}" and sample.labels == labels
        ]
        return found[0] if found else None


def test_the_queues_age_is_that_of_its_oldest_op_in_l1s_time(world: World) -> None:
    read = Scrapes(world)
    assert (read("queue_ops"), read("queue_age_seconds")) == (0, 0)
    world.deposit(0, 5)
    world.new_block(seconds=100)
    world.deposit(0, 5)  # 12 s later
    assert (read("queue_ops"), read("queue_age_seconds")) == (2, 112)
    assert read("forced_age_seconds") == 0, "a deposit is not forced"
    world.enqueue(ForcedExit(0, 0, 1, 7))
    world.new_block(seconds=30)
    assert read("forced_age_seconds") == 30
    assert read("queue_age_seconds") == 154
    world.to_final(world.sealed())
    assert (read("queue_ops"), read("forced_age_seconds")) == (0, 0)


def test_the_mempool_and_what_becomes_of_it(world: World) -> None:
    read = Scrapes(world)
    assert (read("mempool_transactions"), read("mempool_age_seconds")) == (0, 0)
    world.ledger.submit(world.transfer())
    world.clock_s += 7
    assert (read("mempool_transactions"), read("mempool_age_seconds")) == (1, 7)
    batch = world.sealed()
    assert read("mempool_transactions") == 0
    assert (read("proofs_missing"), read("batches", status="sealed")) == (1, 1)
    world.prove(batch)
    assert (read("proofs_missing"), read("batches", status="sealed")) == (0, 0)
    assert (read("batches", status="proved"), read("final_batch")) == (1, 1)
    world.to_final(batch)
    assert (read("batches", status="proved"), read("final_batch")) == (0, 2)


def test_lag_and_ailments_are_what_the_loops_say(world: World) -> None:
    read = Scrapes(world)
    read.lag_s, read.ailing = 12.5, ["l1"]
    assert read("watch_lag_seconds") == 12.5
    assert read("ailments", part="l1") == 1
    assert read("ailments", part="prover") is None
