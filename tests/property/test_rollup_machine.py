"""C1, C2 and C3 of the deployed contract, over thousands of steps of anybody, honest or not."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from protocol.units import L1_TIME_SLACK_S
from tests.property.rollup_batches import REASONS
from tests.property.rollup_machine import RollupMachine

DEEP = os.environ.get("WATTLANE_DEEP_TESTS")
EXAMPLES = 1_000 if DEEP else 60
STEPS = 50
LEAST_CALLS = 2_000


@pytest.mark.timeout(1_800)
def test_c1_c2_c3_hold_on_the_contract_whatever_anyone_does() -> None:
    RollupMachine.seen.clear()
    RollupMachine.steps = 0
    run_state_machine_as_test(
        RollupMachine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=tuple(Phase) if DEEP else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert RollupMachine.steps >= LEAST_CALLS
    seen = set(RollupMachine.seen)
    done = {"a batch", "a batch of a stranger", "a withdrawal", "pause", "a sunset"}
    done |= {"an exodus", "an exit", "a refund"}
    ops = {"NEW_ACCOUNT", "DEPOSIT", "KEY_CHANGE", "FORCED_EXIT", "FORCED_START_CLOSE"}
    expected = done | ops | {"FORCED_CLAIM", "FORCED_FINALIZE"}
    assert len(expected - seen) <= 2, expected - seen
    assert {"FeeTooLow", "NotOperator", "TooEarlyForExodus", "ExodusStarted", "Paused"} <= seen
    refused = {reason for reasons in REASONS.values() for reason in reasons} & seen
    assert len(refused) >= 4, refused  # the test below has all of them


def test_every_lie_about_a_batch_is_refused_for_its_reason() -> None:
    """What Hypothesis draws changes with any constant of the code, so this is by hand."""
    machine = RollupMachine()
    for whose in range(3):
        machine.a_home_registers(10**6, 7, whose, 0)
    machine.time_passes(60)
    machine.a_batch(3, 0, 0, True, None)
    for whose in range(3):
        machine.time_passes(60)
        machine.a_home_registers(50 + whose, 7, whose, 0)  # the last one in this very second
    for lie in sorted(REASONS, key=lambda lie: lie == "too old"):
        RollupMachine.seen.clear()
        if lie == "too old":
            machine.time_passes(L1_TIME_SLACK_S + 60)
        machine.a_batch(3, 1, 50, True, lie)
        assert machine.batches == 1, f"{lie} was taken, or changed nothing"
        (reason,) = RollupMachine.seen
        assert reason in REASONS[lie]
