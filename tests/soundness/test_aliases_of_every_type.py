"""One packed lane, other fields: either a constraint fails or the slot says the same as before.

For every type, every two fields that stand side by side in a channel's leaf, and every way of
moving something from one to the other that leaves the leaf as it is, modulo r.
"""

from __future__ import annotations

import pytest

from protocol.crypto.field import R
from prover.circuits.user_slot import user_slot
from prover.r1cs.engine import evaluate, failure_after, solve
from tests.prover.circuits.cases import USER_CASES

NEIGHBOURS: dict[tuple[str, str], int] = {
    ("a_index/value", "b_index/value"): 1 << 32,
    ("b_index/value", "epoch/value"): 1 << 32,
    ("epoch/value", "window/value"): 1 << 32,
    ("window/value", "closing"): 1 << 32,
    ("closing", "deadline/value"): 1 << 8,
    ("deposit_a/value", "deposit_b"): 1 << 64,
    ("lane_ab/value", "lane_ba"): 1 << 96,
}
"""(low, high) -> what 1 of the high one is worth in units of the low one."""

LANES = ("lane_ab/value", "lane_ba")
READS_LANES = ("claim", "close", "finalize")


def moved(low: int, high: int, worth: int) -> list[tuple[int, int]]:
    """Other pairs with the same low + worth high: whole steps, small steps modulo r, low = 0."""
    small = pow(worth, -1, R)
    steps = [worth, -worth, 1, -1, -low, (1 << 63) - low]
    pairs = [((low + step) % R, (high - step * small) % R) for step in steps if step]
    for other, rest in pairs:
        assert (other + worth * rest - low - worth * high) % R == 0
    return list(dict.fromkeys(pairs))


@pytest.mark.parametrize("name", USER_CASES)
def test_fields_move_within_a_leaf_only_where_nobody_looks(name: str) -> None:
    template, inputs = user_slot(), USER_CASES[name]().inputs
    values = solve(template, inputs)
    said = [values[wire] for wire in template.exports.values()]
    passed = set()
    for (low, high), worth in NEIGHBOURS.items():
        names = [f"channel/{field}" for field in (low, high)]
        for pair in moved(inputs[names[0]], inputs[names[1]], worth):
            changed = dict(zip(names, pair, strict=True))
            wires = {template.inputs[each]: value for each, value in changed.items()}
            if failure_after(template, values, wires) is None:
                passed.add((low, high))
                after = evaluate(template, inputs | changed)
                assert [after[wire] for wire in template.exports.values()] == said
    assert passed == (set() if name.startswith(READS_LANES) else {LANES})
