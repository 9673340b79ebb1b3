"""C1, C2 and C3 of the deployed contract, over thousands of steps of anybody, honest or not."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.rollup_machine import REASONS, RollupMachine

DEEP = os.environ.get("WATTLANE_DEEP_TESTS")
EXAMPLES = 1_000 if DEEP else 60
STEPS = 50
LEAST_CALLS = 2_000


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
    assert len(refused) >= 7, refused
