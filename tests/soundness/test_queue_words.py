"""Packed numbers of a queue slot split in one way, and what an op does not use is 0."""

from __future__ import annotations

import pytest

from protocol.crypto.field import R
from prover.circuits.queue_slot import queue_slot
from tests.protocol.street import BERT, CARL
from tests.prover.circuits.lone import failing
from tests.prover.circuits.queue_cases import QUEUE_CASES

BIT0 = "bit0 is a bit"

ALIASES: dict[str, tuple[str, dict[str, int], str]] = {
    "both deposits": (
        "finalize",
        {"channel/deposit_a/value": 2**64, "channel/deposit_b/value": -1},
        f"channel/deposit_a/{BIT0}",
    ),
    "a whole field's turn in a deposit": (
        "finalize",
        {"channel/deposit_a/value": 1, "channel/deposit_b/value": -pow(2**64, -1, R)},
        f"channel/deposit_b/{BIT0}",
    ),
    "both lanes": (
        "claim ab",
        {"channel/lane_ab": 2**96, "channel/lane_ba": -1},
        "owner_or_lanes/lane ab",
    ),
    "a whole field's turn in a lane": (
        "finalize",
        {"channel/lane_ab": 1, "channel/lane_ba": -pow(2**96, -1, R)},
        "owner_or_lanes/lane ba",
    ),
    "a and b": (
        "finalize",
        {"channel/a_index/value": 2**32, "channel/b_index/value": -1},
        f"channel/a_index/{BIT0}",
    ),
    "b and epoch": (
        "claim ab",
        {"channel/b_index/value": 2**32, "channel/epoch/value": -1},
        f"channel/b_index/{BIT0}",
    ),
    "epoch and window": (
        "claim ab",
        {"channel/epoch/value": 2**32, "channel/window/value": -1},
        f"channel/epoch/{BIT0}",
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
    "op and index": (
        "deposit",
        {"kind/type": 2**8, "account1/index/value": -1},
        "kind/bits add up",
    ),
    "index and side": (
        "claim ba while closing",
        {"channel/index/value": 2**24, "op/side": -1},
        "channel/index/bits add up",
    ),
    "side and time": (
        "claim ab",
        {"op/side": 2**8, "op/enqueue_time/value": -1},
        "op/side is a bit",
    ),
    "time and epoch": (
        "finalize",
        {"op/enqueue_time/value": 2**40, "op/epoch/value": -1},
        f"op/enqueue_time/{BIT0}",
    ),
}
"""Other fields with the same packed number: name -> (case, what to add, which range says no)."""


@pytest.mark.parametrize("name", ALIASES)
def test_a_packed_number_splits_in_one_way_only(name: str) -> None:
    which, added, says_no = ALIASES[name]
    inputs = QUEUE_CASES[which]().inputs
    changed = {key: (inputs[key] + value) % R for key, value in added.items()}
    assert says_no in failing(queue_slot(), {**inputs, **changed})


def test_an_owner_lane_is_split_as_it_stands() -> None:
    """Another nonce with an address past 2^160, which would make anybody the owner."""
    inputs = QUEUE_CASES["forced exit by another"]().inputs
    value = inputs["owner_or_lanes/value"] + CARL.l1_address - BERT.l1_address
    failed = failing(queue_slot(), {**inputs, "owner_or_lanes/value": value})
    assert failed == {"owner_or_lanes/owner"}


UNUSED: list[tuple[str, str, int, str]] = [
    ("deposit", "side", 1, "no side"),
    ("finalize", "side", 1, "no side"),
    ("deposit", "epoch/value", 1, "no epoch"),
    ("forced exit", "word/value", 1 << 160, "no amount"),
    ("start close a", "word/value", 1 << 160, "no amount"),
    ("claim ab", "word/value", 1 << 160, "no amount"),
    ("finalize", "word/value", 1 << 160, "no amount"),
    ("finalize", "word/value", 1, "no address"),
    ("claim ab", "word/value", 1 << 96, "a lane value"),
    ("deposit", "element2", 1, "no key"),
    ("finalize", "element2", 1, "no key"),
    *(("key change", f"element{i}", 1, f"no signature {i - 3}") for i in range(3, 7)),
]
"""(case, an element's field that its op does not use, what is added to it, which rule says no)."""


@pytest.mark.parametrize(("name", "field", "added", "says_no"), UNUSED)
def test_what_an_op_does_not_use_is_0(name: str, field: str, added: int, says_no: str) -> None:
    inputs = QUEUE_CASES[name]().inputs
    inputs[f"op/{field}"] += added
    assert f"op/{says_no}" in failing(queue_slot(), inputs)
