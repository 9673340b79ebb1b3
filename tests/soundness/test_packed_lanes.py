"""A packed lane splits in one way, and what a type does not use stays 0: no value from nowhere."""

from __future__ import annotations

import pytest

from protocol.crypto.field import R
from protocol.units import DAY_S
from prover.circuits.user_slot import user_slot
from prover.circuits.windows import WINDOWS
from prover.r1cs.engine import evaluate
from tests.protocol.street import NOW
from tests.prover.circuits.cases import USER_CASES
from tests.prover.circuits.lone import Inputs, failing, failures

BIT0 = "bit0 is a bit"

ALIASES: dict[str, tuple[str, dict[str, int], str]] = {
    "both deposits": (
        "top up a",
        {"channel/deposit_a/value": 2**64, "channel/deposit_b": -1},
        f"channel/deposit_a/{BIT0}",
    ),
    "both deposits, A's negative": (
        "finalize",
        {"channel/deposit_a/value": -(2**64), "channel/deposit_b": 1},
        f"channel/deposit_a/{BIT0}",
    ),
    "both lanes": (
        "claim ab",
        {"channel/lane_ab/value": -(2**96), "channel/lane_ba": 1},
        f"channel/lane_ab/{BIT0}",
    ),
    "a and b": (
        "claim ab",
        {"channel/a_index/value": 2**32, "channel/b_index/value": -1},
        f"channel/a_index/{BIT0}",
    ),
    "window and status": (
        "finalize",
        {"channel/window/value": 2**32, "channel/closing": -1},
        f"channel/window/{BIT0}",
    ),
    "status and deadline": (
        "finalize",
        {"channel/closing": 2**8, "channel/deadline/value": -1},
        "channel/closing is a bit",
    ),
    "both lanes, where money is paid out by them": (
        "finalize",
        {"channel/lane_ab/value": 2**96, "channel/lane_ba": -1},
        f"channel/lane_ab/{BIT0}",
    ),
    "a whole field's turn in a lane": (
        "close",
        {"channel/lane_ab/value": 1, "channel/lane_ba": -pow(2**96, -1, R)},
        f"channel/lanes/ba does not fall/{BIT0}",
    ),
    "a whole field's turn in a deposit": (
        "top up a",
        {"channel/deposit_a/value": 1, "channel/deposit_b": -pow(2**64, -1, R)},
        f"channel/new deposit b/{BIT0}",
    ),
}
"""Other fields with the same packed lane: name -> (case, what to add, which range says no)."""


@pytest.mark.parametrize("name", ALIASES)
def test_a_lane_splits_in_one_way_only(name: str) -> None:
    case, added, says_no = ALIASES[name]
    inputs = USER_CASES[case]().inputs
    changed: Inputs = {which: (inputs[which] + more) % R for which, more in added.items()}
    failed = failing(user_slot(), {**inputs, **changed})
    assert says_no in failed
    scope = says_no.partition("/")[0]
    assert f"{scope}/old leaf is in the tree" not in failed, "not an alias: the leaf differs"


@pytest.mark.parametrize("name", USER_CASES)
def test_the_owner_splits_in_one_way_only(name: str) -> None:
    """Address and nonce are bits of the word that has to be the owner: another word is another."""
    inputs = USER_CASES[name]().inputs
    for more in (1, 1 << 160, -(1 << 160)):
        changed = {"owner_or_lanes/value": (inputs["owner_or_lanes/value"] + more) % R}
        failed = failing(user_slot(), {**inputs, **changed})
        reads_lanes = name.startswith(("claim", "close", "finalize"))
        assert ("owner_or_lanes/owner" in failed) == (not reads_lanes)
        assert failed


def test_an_amount_that_wraps_around_mints_nothing() -> None:
    """amount = r - x would add x to the sender; signing such a message changes nothing."""
    inputs = USER_CASES["transfer"]().inputs
    for negative in (R - 5, R - (5 << 64)):
        failed = failing(user_slot(), {**inputs, "money_or_growth/value": negative})
        assert "money_or_growth/bits add up" in failed


@pytest.mark.parametrize(
    ("changed", "says_no"),
    [
        ({"money_or_growth/value": 5}, {"money_or_growth/growth of ab"}),
        ({"money_or_growth/value": 5 << 64}, {"money_or_growth/growth of ab"}),
        ({"owner_or_lanes/value": 5}, {"owner_or_lanes/owner"}),
        ({"signed/side": 1}, {"signed/no side", "signature1"}),
        ({"account1/balance": 5}, {"account1/blank 2"}),
        ({"account1/totals": 5}, {"account1/blank 3"}),
        ({"account2/key_hash": 5}, {"account2/blank 0"}),
        ({"account1/index/value": 1}, {"account1/inactive index"}),
        ({"account1/in_second": 1}, {"account1/inactive window"}),
        ({"channel/index/value": 1}, {"channel/inactive index"}),
        ({"channel/deposit_b": 5}, {"channel/fresh 1"}),
        ({"channel/key_hash_a": 5}, {"channel/nameless 1"}),
    ],
)
def test_a_noop_has_no_side_effects(changed: Inputs, says_no: set[str]) -> None:
    inputs = USER_CASES["noop"]().inputs
    values = evaluate(user_slot(), {**inputs, **changed})
    assert failures(user_slot(), values) & says_no
    for window in WINDOWS:
        assert values[user_slot().exports[window]] == inputs[f"{window}/node"]


def test_a_fresh_channel_cannot_be_funded_from_nowhere() -> None:
    inputs = USER_CASES["open"]().inputs
    for which, says_no in (
        ("channel/deposit_a/value", "channel/fresh 1"),
        ("channel/deposit_b", "channel/fresh 1"),
        ("channel/lane_ba", "channel/fresh 2"),
        ("channel/deadline/value", "channel/fresh 0"),
    ):
        failed = failing(user_slot(), {**inputs, which: 7})
        assert says_no in failed


def test_a_deadline_cannot_be_earlier_than_computed() -> None:
    template, case = user_slot(), USER_CASES["start close a"]()
    wire = template.value_names.index("channel/deadline")
    honest = evaluate(template, case.inputs)[wire]
    assert honest == NOW + 7_200 + DAY_S
    failed = failures(template, evaluate(template, case.inputs, {wire: honest - 1}))
    assert failed == {"channel/deadline"}
