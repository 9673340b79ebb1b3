"""A prover chooses a slot's inputs and Merkle nodes, and nothing else: the rest follows from them.

This holds for all inputs, honest or not, as the search reads only the constraints. What it leaves
open are inverses that one constraint alone mentions, so that nothing else depends on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.batch import Shape
from prover.circuits.ends import head, tail
from prover.circuits.exit import exit_template
from prover.circuits.queue_slot import queue_slot
from prover.circuits.user_slot import user_slot
from prover.circuits.windows import closing, opening
from prover.r1cs.engine import rows_of_wires
from prover.r1cs.template import Template
from tests.soundness.determined import undetermined

TURNS = {f"{what}/turn{i} hint" for what in ("s/below l", "e/below r") for i in range(1, 8)}
DECIDED = "rules/voucher/signature"
IS_SIGNATURE = {f"{DECIDED}/{turn}" for turn in TURNS}
IS_SIGNATURE |= {f"{DECIDED}/s/below r/turn{i} hint" for i in range(1, 8)}
IS_SIGNATURE |= {f"{DECIDED}/{point} on curve inverse" for point in "AR"}
IS_SIGNATURE |= {f"{DECIDED}/sG = R + eA in {axis} inverse" for axis in "xy"}

OPEN: dict[str, tuple[Callable[[], Template], set[str]]] = {
    "head": (head, set()),
    "queue slot": (
        queue_slot,
        {
            "rules/sender is the address inverse",
            "rules/last nonce inverse",
            "rules/epoch inverse",
            "rules/voucher/pinned key inverse",
            "withdrawal/balance is zero inverse",
            *IS_SIGNATURE,
        },
    ),
    "windows opened": (opening, {"two windows inverse"}),
    "windows closed": (closing, set()),
    "exit": (exit_template, {f"voucher/signature/{turn}" for turn in TURNS}),
    "tail": (lambda: tail(Shape(queue_slots=2, user_slots=2)), {"operator/no fees inverse"}),
    "user slot": (
        user_slot,
        {
            "parties/two different accounts inverse",
            "parties/nonce has room inverse",
            "channel/lanes/claimed lane is higher inverse",
            "withdrawal/amount is zero inverse",
            *(f"signature{number}/signature/{turn}" for number in (1, 2) for turn in TURNS),
        },
    ),
}
"""Template -> (how it is made, the inverses that may be free where what they invert is 0)."""


def is_tree_node(name: str) -> bool:
    """The children of a Merkle path's nodes: as free as inputs, bound by the hashes above them."""
    return name.rpartition("/")[2] in ("child0", "child1", "child2", "child3")


@pytest.mark.parametrize("name", OPEN)
def test_everything_follows_from_what_is_given(name: str) -> None:
    make, expected = OPEN[name]
    template = make()
    left = undetermined(template, is_tree_node)
    assert {template.value_names[wire] for wire in left} == expected
    for wire in left:
        assert len(rows_of_wires(template)[wire]) == 1
        assert wire not in template.exports.values()


def test_a_constraint_that_is_left_out_is_missed() -> None:
    """Without any of these rows, one of each kind, the search finds something open."""
    template = tail(Shape(queue_slots=1, user_slots=1))
    for name in (
        "operator/new balance/bit0 is a bit",
        "operator/index/bits add up",
        "operator/level3/new node/round5/lane0 x^2",
        "operator/no fees",
        "messages down to 0",
    ):
        number = template.row_names.index(name)
        rows = (*template.rows[:number], *template.rows[number + 1 :])
        names = (*template.row_names[:number], *template.row_names[number + 1 :])
        assert undetermined(replace(template, rows=rows, row_names=names), is_tree_node), name
