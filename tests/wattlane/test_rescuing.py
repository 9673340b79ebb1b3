"""Anyone drains the queue once its head is three days old, from L1 alone, with simulated proofs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial

import pytest

from contracts.chain import Chain
from contracts.client import RollupClient
from contracts.finality import LATEST
from contracts.rebuilding import Rebuilt, rebuild
from protocol.units import DAY_S
from prover.groth16.keys import VerifyingKey
from prover.jobs import ProofJob
from tests.e2e.sequencer_process import start_l1
from tests.support.simulated_prover import SimulatedProver
from tests.support.simulated_rollup import SHAPE, SimulatedRollup, deploy_simulated
from tests.support.trapdoor import Trapdoor
from wattlane.rescuing import (
    Drained,
    NotYetDue,
    OnlyExits,
    Overtaken,
    WrongProvingKey,
    check_due,
    drain,
    is_open_to_all,
)


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_l1() as started:
        yield started


@pytest.fixture
def rollup(chain: Chain) -> SimulatedRollup:
    return deploy_simulated(chain, chain.accounts[0])


def stranger(rollup: SimulatedRollup, number: int = 3) -> RollupClient:
    """Anybody with some ether."""
    account = rollup.chain.accounts[number]
    return RollupClient(rollup.chain.url, rollup.client.address, account, finality=LATEST)


@pytest.fixture
def prover() -> Iterator[SimulatedProver]:
    made = SimulatedProver(SHAPE)
    yield made
    made.close()


def follow(client: RollupClient) -> Callable[[], Rebuilt]:
    return partial(rebuild, client)


def test_a_stranger_drains_what_is_due_and_leaves_what_is_not(
    rollup: SimulatedRollup, prover: SimulatedProver
) -> None:
    client = stranger(rollup)
    assert list(drain(client, prover, follow(client))) == []
    check_due(client, rebuild(client))  # nothing waits: nothing is early
    rollup.fill_queue(32)
    due = client.queue_record(1).enqueue_time + 3 * DAY_S + 1
    with pytest.raises(NotYetDue, match="op, 1, is not three days old: until 20") as early:
        check_due(client, rebuild(client))
    assert early.value.due_at == due
    assert list(drain(client, prover, follow(client))) == []
    rollup.chain.advance_time(3 * DAY_S + 1)
    rollup.fill_queue(1)
    stages: list[tuple[str, int, int]] = []
    (done,) = drain(client, prover, follow(client), lambda *step: stages.append(step))
    assert isinstance(done, Drained)
    assert (done.number, done.proofs, done.ops, done.left) == (1, 16, 32, 1)
    assert stages[-1] == ("proving batch 1", 16, 16)
    assert client.progress().processed == 32
    rebuilt = rebuild(client)
    assert len(rebuilt.state.accounts) == 32
    assert client.account_count() == 33
    with pytest.raises(NotYetDue, match="op, 33, is"):
        check_due(client, rebuilt)


def test_the_first_moment_is_the_one_that_is_told(
    rollup: SimulatedRollup, prover: SimulatedProver
) -> None:
    """At `due_at` the contract takes it, a second before it does not."""
    rollup.fill_queue(1)
    rebuilt = rebuild(rollup.client)
    with pytest.raises(NotYetDue) as early:
        check_due(rollup.client, rebuilt)
    assert not is_open_to_all(rebuilt, early.value.due_at - 1)
    assert is_open_to_all(rebuilt, early.value.due_at)


def test_after_the_exodus_there_is_nothing_to_rescue(rollup: SimulatedRollup) -> None:
    rollup.fill_queue(1)
    rollup.chain.advance_time(7 * DAY_S + 1)
    client = stranger(rollup)
    check_due(client, rebuild(client))
    client.start_exodus()
    with pytest.raises(OnlyExits, match=r"the exodus started at 20.*wattlane exit"):
        check_due(client, rebuild(client))


class Interrupted(SimulatedProver):
    """While its first proof is made, something happens."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__(SHAPE)
        self._happens: Callable[[], None] | None = happens

    def submit(self, job: ProofJob) -> Future[bytes]:
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()
        return super().submit(job)


def test_whoever_was_faster_is_taken_into_account(
    rollup: SimulatedRollup, prover: SimulatedProver
) -> None:
    """Another stranger brings the batch of the first 32 ops; the last one is left to do."""
    rollup.fill_queue(33)
    rollup.chain.advance_time(3 * DAY_S + 1)
    client, other = stranger(rollup), stranger(rollup, 4)

    def faster() -> None:
        assert isinstance(next(drain(other, prover, follow(other))), Drained)

    slow = Interrupted(faster)
    first, second = drain(client, slow, follow(client))
    assert isinstance(first, Overtaken)
    assert "StaleRoot" in first.why
    assert isinstance(second, Drained)
    assert (second.number, second.ops, second.left) == (2, 1, 0)
    slow.close()


def test_proofs_that_took_too_long_are_made_again_in_a_smaller_batch(
    rollup: SimulatedRollup,
) -> None:
    rollup.fill_queue(4)
    rollup.chain.advance_time(3 * DAY_S + 1)
    client = stranger(rollup)
    slow = Interrupted(lambda: rollup.chain.advance_time(7_300))
    first, *rest = drain(client, slow, follow(client))
    assert isinstance(first, Overtaken)
    assert "TimeTooOld" in first.why
    assert sum(one.ops for one in rest if isinstance(one, Drained)) == 4
    slow.close()


class OtherKey(SimulatedProver):
    @property
    def verifying_key(self) -> VerifyingKey:
        return Trapdoor.make(2).verifying_key


def test_a_key_that_is_not_the_contracts_is_refused_before_any_proof(
    rollup: SimulatedRollup,
) -> None:
    client, other = stranger(rollup), OtherKey(SHAPE)
    with pytest.raises(WrongProvingKey, match="the contract has"):
        next(drain(client, other, follow(client)))
    other.close()
