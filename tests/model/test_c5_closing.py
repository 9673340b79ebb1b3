"""C5: no finalisation overtakes a challenge that reached L1 before the deadline, and every closing
channel can be finalised without the sequencer. Every interleaving in a small world.

The last tests break one rule each: what this page believes of the model rests on their finding the
theft, or the channel that never ends.
"""

from __future__ import annotations

import os

import pytest

from protocol.units import L1_TIME_SLACK_S
from tests.model.closing_executor import Outcome, after_op, after_transaction
from tests.model.closing_honest import stalled
from tests.model.closing_steps import steps
from tests.model.closing_world import Kind, Leaf, Op, Rules
from tests.model.explore import reachable, way_to

DEEP = "WATTLANE_DEEP_TESTS"
"""Set to 1, larger worlds are searched as well."""

OVERTAKEN = "a finalisation overtook a challenge that was in time"
WORLDS = {
    "two ops at once": Rules(most_pending=2),
    "three genuine ops at once": Rules(most_pending=3, has_forgeries=False),
    "half ticks and two vouchers": Rules(
        tick_s=L1_TIME_SLACK_S // 2, lag=2, window=1, privilege=1, vouchers=2, most_pending=1
    ),
    "the slot is used again": Rules(most_pending=1, epochs=2),
}
DEEPER = {
    "half ticks, two vouchers, two ops": Rules(
        tick_s=L1_TIME_SLACK_S // 2, lag=2, window=2, privilege=3, vouchers=2, most_pending=2
    ),
    "the slot is used again, two ops": Rules(most_pending=2, epochs=2),
    "two vouchers, three ops": Rules(most_pending=3, vouchers=2),
}


def worlds() -> dict[str, Rules]:
    return WORLDS | (DEEPER if os.environ.get(DEEP) else {})


def search(rules: Rules) -> tuple[int, str | None, list[str]]:
    """How many worlds there are, and the first fault with the shortest way to it."""
    found, bad = reachable(
        rules.start(),
        lambda world: steps(rules, world),
        lambda world: world.fault is not None,
    )
    return len(found), bad.fault if bad else None, way_to(bad, found) if bad else []


@pytest.mark.parametrize("name", worlds())
def test_c5_no_finalisation_overtakes_a_challenge_in_time(name: str) -> None:
    count, fault, way = search(worlds()[name])
    assert fault is None, way
    assert count > 500


def test_c5_every_channel_ends_without_the_sequencer_whatever_it_does() -> None:
    for pending in (1, 2, 3) if os.environ.get(DEEP) else (1, 2):
        assert stalled(Rules(most_pending=pending)) == []


def test_c5_the_search_meets_what_it_is_about() -> None:
    """A channel that each of the two ways ends, one that a challenge is in time for, and claims
    that reach the leaf by each way."""
    rules = Rules(most_pending=1)
    found, _ = reachable(rules.start(), lambda world: steps(rules, world), lambda _: False)
    led = [(world, name, to) for world in found for name, to in steps(rules, world)]
    ends = {name.split(": ")[1] for _, name, to in led if to.leaf is None}
    assert {"FINALIZE", "an op, nothing"} <= ends
    claims = {
        name.split(": ")[1]
        for world, name, to in led
        if world.leaf and to.leaf and to.leaf.lane > world.leaf.lane and to.leaf.is_closing
    }
    assert {"CLAIM of voucher 1", "an op, nothing"} <= claims
    assert any(
        world.challenges and world.leaf and world.challenges[0].time < world.leaf.deadline
        for world in found
    )


# --- the model notices ------------------------------------------------------------------------


def _covers_the_present(l1_time: int, left: tuple[Op, ...]) -> int:
    return l1_time


def _time_of_processing(op: Op, l1_time: int) -> int:
    return l1_time if op.kind is Kind.FINALIZE else op.time


def _covers_the_newest(l1_time: int, left: tuple[Op, ...]) -> int:
    return min(l1_time, left[-1].time) if left else l1_time


@pytest.mark.parametrize(
    "broken",
    [
        Rules(most_pending=2, covers=_covers_the_present),
        Rules(most_pending=3, covers=_covers_the_newest),
        Rules(most_pending=2, covers_by_batch=True),
        Rules(most_pending=2, op_time=_time_of_processing),
    ],
    ids=[
        "FINALIZE looks at l1_time",
        "what is covered is up to the newest op",
        "all proofs of a batch cover what the last one does",
        "FORCED_FINALIZE counts from when it is processed",
    ],
)
def test_c5_the_model_notices_a_rule_that_lets_a_challenge_be_overtaken(broken: Rules) -> None:
    _, fault, way = search(broken)
    assert fault == OVERTAKEN
    assert len(way) <= 6


@pytest.mark.parametrize("module", ["execute", "execute_queue"])
def test_c5_the_model_notices_a_deadline_without_the_lag_of_l1_time(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"protocol.{module}.L1_TIME_SLACK_S", 0)
    rules = Rules(most_pending=1)
    for ask in (after_op, after_transaction):
        monkeypatch.setattr(f"tests.model.closing_steps.{ask.__name__}", ask.__wrapped__)
    _, fault, _ = search(rules)
    assert fault == "less than the window is left after the block that started the close"


def test_c5_the_model_notices_a_leaf_that_misses_a_genuine_claim(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As if FORCED_CLAIM asked for an open channel."""

    def deaf(rules: Rules, leaf: Leaf | None, op: Op, l1_time: int, covered: int) -> Outcome:
        if leaf and leaf.is_closing and op.kind is Kind.CLAIM:
            return Outcome(leaf, None)
        return after_op(rules, leaf, op, l1_time, covered)

    monkeypatch.setattr("tests.model.closing_steps.after_op", deaf)
    _, fault, _ = search(Rules(most_pending=1))
    assert fault == OVERTAKEN


@pytest.mark.parametrize(
    ("broken", "anyone_submits"),
    [
        (Rules(most_pending=1, must_consume=False), True),
        (Rules(most_pending=1, has_forced_finalize=False), True),
        (Rules(most_pending=1), False),
    ],
    ids=[
        "due ops may be left where they are",
        "there is no FORCED_FINALIZE",
        "nobody but the operator submits",
    ],
)
def test_c5_the_model_notices_a_channel_that_the_sequencer_can_hold_for_ever(
    broken: Rules, anyone_submits: bool
) -> None:
    assert stalled(broken, anyone_submits=anyone_submits)
