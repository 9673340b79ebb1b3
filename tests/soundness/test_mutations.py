"""Every value of an honest slot, changed: a constraint with a name says no.

Three ways of changing: a wire and nothing else; a hint, with all that is computed from it; an
input, likewise. What may change is listed here with its reason, and then either nothing that the
slot exports depends on it, or the slot states something else that is just as true.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from protocol.crypto.field import R
from protocol.windows import WINDOW_LEVELS
from prover.circuits.user_slot import user_slot
from prover.r1cs.engine import evaluate, failure_after, failure_at, solve
from prover.r1cs.template import Op, Template
from tests.prover.circuits.cases import USER_CASES

HIGHER = "channel/lanes/claimed lane is higher inverse"
DIFFERENT = "parties/two different accounts inverse"
ROOM = "parties/nonce has room inverse"
NOTHING = "withdrawal/amount is zero inverse"

INVERSES_OF_ZERO: dict[str, set[str]] = {
    "noop": {HIGHER, DIFFERENT, NOTHING},
    "transfer": {HIGHER},
    "transfer afar": {HIGHER},
    "withdraw": {HIGHER},
    "withdraw nothing": {HIGHER, NOTHING},
    "open": {HIGHER},
    "top up a": {HIGHER, DIFFERENT},
    "top up b": {HIGHER},
    "claim ab": {DIFFERENT, NOTHING},
    "claim ba while closing": {DIFFERENT, NOTHING},
    "start close a": {HIGHER, DIFFERENT, NOTHING},
    "start close b": {HIGHER, NOTHING},
    "close": {NOTHING},
    "close, all to b": {NOTHING},
    "close, all to a": {NOTHING, ROOM},  # lane ba is full: as a nonce, had it been one, the last
    "finalize": {HIGHER, NOTHING},
}
"""Hints h of x * h = bit where x is 0 and bit is 0: nothing but that constraint mentions h."""

SIGNATURES_TOO = {"noop", "transfer", "close"}
"""With 0, 1 and 2 signatures switched on; the hints inside one do not know of the slot's type."""

VARIANTS = {"withdraw nothing", "top up a", "start close b", "close, all to b", "close, all to a"}
ONE_OF_EACH_TYPE = [name for name in USER_CASES if name not in VARIANTS]

UNSIGNED = {"noop", "finalize"}
EXPIRES_NOW = {"withdraw", "withdraw nothing"}
STARTS_CLOSE = {"start close a", "start close b"}
CLOSES = {"close", "close, all to a", "close, all to b"}
WITHOUT_CHANNEL = {"noop", "transfer", "transfer afar", "withdraw", "withdraw nothing"}
AFAR = {"transfer afar"}
"""With account 2 in the second window; all other accounts are in the first."""
WITHOUT_ACCOUNT = {"noop", "claim ab", "claim ba while closing"}


def irrelevant_inputs(name: str) -> set[str]:
    """Inputs that this slot does not depend on, and neither does what it exports."""
    found = set()
    if name not in CLOSES:
        found.add("signature2/s")  # of a signature that is switched off
    if name in UNSIGNED:
        found |= {"signature1/s", "domain"}
    if name in WITHOUT_ACCOUNT:
        found.add("accounts1/prefix")
    if name not in AFAR:
        found.add("accounts2/prefix")
    if name in WITHOUT_CHANNEL:
        found.add("channels/prefix")
    found.add("queue_covered")  # only FINALIZE asks, and a later time is as good
    if name not in EXPIRES_NOW | STARTS_CLOSE:
        found.add("l1_time")  # a second later is early enough
    return found


def unread_links(name: str) -> set[str]:
    """Links that no rule of this type reads: their own instances bind them."""
    found = set() if name == "finalize" else {"queue_covered"}
    if name in WITHOUT_CHANNEL:
        found.add("channels/prefix")
    if name not in AFAR:
        found.add("accounts2/prefix")
    return found | ({"l1_time"} if name in WITHOUT_ACCOUNT | {"finalize"} else set())


def stated_inputs(name: str) -> set[str]:
    """Inputs whose other value is another statement, as true and visible in the exports."""
    found = set()
    if name in WITHOUT_CHANNEL:
        found.add("channels/node")  # carried through
    if name in WITHOUT_ACCOUNT:
        found.add("accounts1/node")
    if name not in AFAR:
        found.add("accounts2/node")
    if name in STARTS_CLOSE:
        found.add("l1_time")  # the deadline follows
    if name == "open":
        found.add("channel/index/value")  # the next slot is empty too; the data element says which
    return found


SAYS_NO = {
    "kind": {"kind", "owner_or_lanes", "account1", "account2", "channel", "parties", "signed"}
    | {"times", "signature1"},
    "account1": {"account1", "owner_or_lanes", "parties", "signature1"},
    "account2": {"account2", "parties", "signature1"},
    "channel": {"channel", "money_or_growth", "parties", "times", "account2"}
    | {"signature1", "signature2"},
    "owner_or_lanes": {"owner_or_lanes", "money_or_growth", "channel", "signature1"},
    "money_or_growth": {"money_or_growth", "signature1"},
    "signed": {"signed", "parties", "times", "signature1"},
    "signature1": {"signature1"},
    "signature2": {"signature2"},
    "accounts1": {"account1"},
    "accounts2": {"account2"},
    "channels": {"channel"},
    "domain": {"signature1"},
    "l1_time": {"times"},
    "queue_covered": {"times"},
}
"""The part of a user slot that an input belongs to -> the parts that may reject another value."""


def free_hints(template: Template, values: list[int], skip: tuple[str, ...] = ()) -> Iterator[str]:
    """Hints that may change with all that is computed from them; the others fail in their scope."""
    for step in template.steps:
        if step.op not in (Op.BITS, Op.QUOTIENT):
            continue
        for wire in range(step.first, min(step.first + step.count, template.n_wires)):
            honest, hint = values[wire], template.value_names[wire]
            if hint.startswith(skip):
                continue
            for value in {(1 - honest) % R, (honest + 1) % R} - {honest}:
                failure = failure_after(template, values, {wire: value})
                if failure is None:
                    yield hint
                else:
                    scope = hint.rpartition("/")[0]
                    assert failure.constraint.startswith(f"{scope}/"), (hint, failure.constraint)


def free_wires(template: Template, values: list[int]) -> Iterator[str]:
    """Wires that may change alone."""
    for wire in range(1, template.n_wires):
        honest = values[wire]
        values[wire] = (honest + 1) % R
        if failure_at(template, values, wire) is None:
            yield template.value_names[wire]
        values[wire] = honest


def exports(template: Template, values: list[int]) -> dict[str, int]:
    return {name: values[wire] for name, wire in template.exports.items()}


@pytest.mark.parametrize("name", USER_CASES)
def test_user_slot_wires_and_hints(name: str) -> None:
    template, inputs = user_slot(), USER_CASES[name]().inputs
    values = solve(template, inputs)
    expected = INVERSES_OF_ZERO[name]
    inside = () if name in SIGNATURES_TOO else ("signature1/signature", "signature2/signature")
    assert set(free_hints(template, values, inside)) == expected
    assert set(free_wires(template, values)) == expected | unread_links(name)
    for hint in expected:
        wire = template.value_names.index(hint)
        assert exports(template, evaluate(template, inputs, {wire: 12345})) == exports(
            template, values
        )


@pytest.mark.parametrize("name", ONE_OF_EACH_TYPE)
def test_user_slot_inputs(name: str) -> None:
    template, inputs = user_slot(), USER_CASES[name]().inputs
    values = solve(template, inputs)
    irrelevant, stated = irrelevant_inputs(name), stated_inputs(name)
    for which, wire in {**template.inputs, **template.links}.items():
        changed = (values[wire] + 1) % R
        failure = failure_after(template, values, {wire: changed})
        if which in irrelevant | stated:
            assert failure is None, (which, failure)
            after = exports(template, evaluate(template, {**inputs, which: changed}))
            assert (after == exports(template, values)) == (which in irrelevant), which
        else:
            assert failure is not None, which
            part = which.partition("/")[0]
            assert failure.constraint.partition("/")[0] in SAYS_NO[part], (which, failure)


def test_every_child_on_every_path_is_bound() -> None:
    """CLOSE updates all three trees: no node's child can be another, own place or sibling.

    Every third level of one window, bottom and top of the others: all are made alike.
    """
    template, inputs = user_slot(), USER_CASES["close"]().inputs
    values = solve(template, inputs)
    children = [
        (wire, name)
        for wire, name in enumerate(template.value_names[: template.n_wires])
        if name.rpartition("/")[2] in ("child0", "child1", "child2", "child3")
    ]
    assert len(children) == 3 * WINDOW_LEVELS * 4
    for wire, name in children:
        level = int(name.split("/")[1].removeprefix("level"))
        if level not in (0, WINDOW_LEVELS - 1) and (level % 3 or not name.startswith("channel")):
            continue
        failure = failure_after(template, values, {wire: (values[wire] + 1) % R})
        tree = name.partition("/")[0]
        scope = name.rpartition("/")[0]
        assert failure is not None, name
        assert failure.constraint in (f"{scope}/own place", f"{tree}/old leaf is in the tree")
