"""Every value of an honest queue slot, changed: a constraint says no, or L1 is told something else.

As in test_mutations: a wire and nothing else; a hint, with all that is computed from it; an input,
likewise. What an op says is in the slot's elements, which L1 compares with its own.
"""

from __future__ import annotations

import pytest

from protocol.crypto.field import R
from protocol.queue import OpType
from prover.circuits.queue_slot import queue_slot
from prover.r1cs.engine import failure_at
from prover.r1cs.errors import BrokenConstraint
from tests.prover.circuits.lone import Inputs, check, exports_of, values_of
from tests.prover.circuits.queue_cases import APPLIED, NO_OPS, QUEUE_CASES
from tests.soundness.test_mutations import free_hints, free_wires

TEMPLATE = queue_slot()
ONE_OF_EACH_OP = [
    "unused",
    "new account",
    "deposit",
    "key change",
    "forced exit",
    "start close b",
    "claim ba while closing",
    "finalize",
]
OTHERS = [name for name in QUEUE_CASES if name not in ONE_OF_EACH_OP]
SIGNATURE = "rules/voucher/signature"
STARTS_CLOSE = {"start close a", "start close b", "start close with the last deadline"}


def inverses_of_zero(values: list[int]) -> set[str]:
    """Hints h of x h = 1 - zero, x zero = 0, where x is 0: these constraints alone mention h."""
    places = {name: i for i, name in enumerate(TEMPLATE.value_names)}
    return {
        name
        for name in places
        if name.endswith(" inverse")
        and name.removesuffix("inverse") + "nonzero" in places
        and not values[places[name.removesuffix("inverse") + "nonzero"]]
    }


def unread_links(name: str) -> set[str]:
    """Links that this op does not read: their own instances bind them."""
    found = set() if name in STARTS_CLOSE else {"l1_time"}
    return found | ({"used_before"} if name.startswith("unused") else set())


@pytest.mark.parametrize("name", ONE_OF_EACH_OP)
def test_wires_and_hints(name: str) -> None:
    inputs = QUEUE_CASES[name]().inputs
    values = values_of(TEMPLATE, inputs)
    expected = inverses_of_zero(values)
    inside = () if name.startswith("claim") else (SIGNATURE,)
    outside = {hint for hint in expected if not hint.startswith(inside)}
    assert set(free_hints(TEMPLATE, values, inside)) == outside
    assert set(free_wires(TEMPLATE, values)) == expected | unread_links(name)
    assert not {TEMPLATE.value_names[wire] for wire in TEMPLATE.exports.values()} & expected


GONE_THROUGH = ("op/", "owner_or_lanes/", "account1/", "account2/", "channel/", f"{SIGNATURE}/")
"""Ranges, hashes and paths: what is said of them above is said of any op."""

RULE_WIRES = [
    (wire, name)
    for wire, name in enumerate(TEMPLATE.value_names[: TEMPLATE.n_wires])
    if wire and not name.startswith(GONE_THROUGH) and "/round" not in name
]


@pytest.mark.parametrize("name", OTHERS)
def test_wires_and_hints_of_the_rules(name: str) -> None:
    values = values_of(TEMPLATE, QUEUE_CASES[name]().inputs)
    free = set()
    for wire, called in RULE_WIRES:
        honest = values[wire]
        values[wire] = (honest + 1) % R
        if failure_at(TEMPLATE, values, wire) is None:
            free.add(called)
        values[wire] = honest
    outside = {hint for hint in inverses_of_zero(values) if not hint.startswith(SIGNATURE)}
    assert free == outside | unread_links(name)
    assert set(free_hints(TEMPLATE, values, GONE_THROUGH)) == outside


def empty_places(name: str) -> set[str]:
    """Indices of places that are empty, as the next ones are: element 0 says which one it was."""
    if name in ("new account", "deposit to nobody"):
        return {"account1/index/value"}
    return {"channel/index/value"} if name == "finalize nothing" else set()


def must_fail(name: str, inputs: Inputs) -> set[str]:
    """Inputs that tell of the state: no other value fits the roots; nor those of what is off."""
    op = inputs["kind/type"]
    scopes = ("account1/", "account2/", "channel/", "owner_or_lanes/")
    found = {which for which in inputs if which.startswith(scopes)} - empty_places(name)
    if inputs["account1/exists"] or 0 < op < OpType.FORCED_START_CLOSE:
        found.add("accounts_root")
    if op >= OpType.FORCED_START_CLOSE:
        found.add("channels_root")
    return found | ({"used_before"} if op else set())


@pytest.mark.parametrize("name", [*ONE_OF_EACH_OP[1:], "deposit to nobody", "finalize nothing"])
def test_inputs(name: str) -> None:
    inputs = QUEUE_CASES[name]().inputs
    honest, failing = exports_of(TEMPLATE, inputs), must_fail(name, inputs)
    unread = unread_links(name) | (set() if name.startswith("claim") else {"domain"})
    for which in (*TEMPLATE.inputs, *TEMPLATE.links):
        changed = {**inputs, which: (inputs[which] - 1) % R}
        try:
            check(TEMPLATE, changed)
        except BrokenConstraint:
            assert which not in unread, which
        else:
            assert which not in failing, which
            assert (exports_of(TEMPLATE, changed) == honest) == (which in unread), which


def test_all_cases_are_gone_through() -> None:
    assert set(ONE_OF_EACH_OP) | set(OTHERS) == {"unused", *APPLIED, *NO_OPS, "unused after unused"}
