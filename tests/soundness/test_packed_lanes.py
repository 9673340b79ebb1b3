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
    "nonce and address": (
        "transfer",
        {"account1/l1_address/value": 2**160, "account1/nonce/value": -1},
        f"account1/l1_address/{BIT0}",
    ),
    "a negative address": (
        "transfer",
        {"account1/l1_address/value": -(2**160), "account1/nonce/value": 1},
        f"account1/l1_address/{BIT0}",
    ),
    "sold and bought of account 1": (
        "close",
        {"account1/sold/value": 2**96, "account1/bought": -1},
        f"account1/sold/{BIT0}",
    ),
    "sold and bought of account 2": (
        "close",
        {"account2/sold/value": -(2**96), "account2/bought": 1},
        f"account2/sold/{BIT0}",
    ),
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
    "a whole field's turn in bought": (
        "close",
        {"account1/sold/value": 1, "account1/bought": -pow(2**96, -1, R)},
        f"account1/new bought/{BIT0}",
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


def test_an_amount_that_wraps_around_mints_nothing() -> None:
    """amount = r - x would add x to the sender; signing such a message changes nothing."""
    inputs = USER_CASES["transfer"]().inputs
    failed = failing(user_slot(), {**inputs, "signed/amount/value": R - 5})
    assert f"signed/amount/{BIT0}" in failed


@pytest.mark.parametrize(
    ("changed", "says_no"),
    [
        ({"signed/amount/value": 5}, {"signed/no money"}),
        ({"signed/fee/value": 5}, {"signed/no money"}),
        ({"signed/side": 1}, {"signed/no side", "signature1"}),
        ({"account1/balance": 5}, {"account1/blank 2"}),
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
