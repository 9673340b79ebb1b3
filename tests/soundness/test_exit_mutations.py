"""Every value of an honest exit, changed: a constraint with a name says no.

As in test_mutations: a wire alone, a hint with all that follows from it, an input likewise. What
may change is listed, and then no public input depends on it, or the exit is another true one.
"""

from __future__ import annotations

import pytest

from protocol.crypto.field import R
from prover.circuits.exit import exit_template
from prover.r1cs.engine import failure_after, failure_at, solve
from prover.r1cs.template import Op
from tests.prover.circuits.exit_cases import case

ONE_OF_EACH_KIND = ("account", "channel", "raise ab")
OFF = {"voucher/by/s"}
"""The response of a signature that is switched off. A and R must stay on the curve."""

IRRELEVANT: dict[str, set[str]] = {"account": OFF, "channel": OFF, "raise ab": set()}

SAYS_NO = {
    "root": {"trees"},
    "what": {"what", "voucher"},
    "kind": {"kind", "what", "account_a", "account_b", "channel", "first", "second", "voucher"},
    "first": {"first"},
    "second": {"second"},
    "account_a": {"account_a", "channel", "what", "first", "voucher"},
    "account_b": {"account_b", "channel", "second", "voucher"},
    "channel": {"channel", "what", "first", "second", "voucher"},
    "trees": {"trees", "account_a", "account_b", "channel"},
    "voucher": {"voucher"},
}
"""The part that an input belongs to -> the parts that may reject another value."""


def outsiders(name: str) -> set[str]:
    """Wires of Merkle paths that this kind does not ask for, which begin with these scopes."""
    match name.partition(" ")[0]:
        case "account":
            return {"account_b/", "channel/"}
        case "raise":
            return {"account_a/", "account_b/"}
        case _:
            return set()


@pytest.mark.parametrize("name", [*ONE_OF_EACH_KIND, "raise by the identity"])
def test_wires(name: str) -> None:
    template = exit_template()
    values = solve(template, case(name))
    for wire in range(1, template.n_wires):
        honest = values[wire]
        values[wire] = (honest + 1) % R
        assert failure_at(template, values, wire), template.value_names[wire]
        values[wire] = honest


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_hints(name: str) -> None:
    """Bits and inverses, with all that is computed from them: their own scope refuses them."""
    template = exit_template()
    values = solve(template, case(name))
    for step in template.steps:
        if step.op not in (Op.BITS, Op.QUOTIENT):
            continue
        for wire in range(step.first, min(step.first + step.count, template.n_wires)):
            hint, honest = template.value_names[wire], values[wire]
            failure = failure_after(template, values, {wire: (1 - honest) % R})
            assert failure is not None, hint
            scope = hint.rpartition("/")[0]
            assert failure.constraint.startswith(f"{scope}/"), (hint, failure.constraint)


@pytest.mark.parametrize("name", ONE_OF_EACH_KIND)
def test_inputs(name: str) -> None:
    template = exit_template()
    values = solve(template, case(name))
    irrelevant = IRRELEVANT[name]
    for which, wire in {**template.public, **template.inputs}.items():
        failure = failure_after(template, values, {wire: (values[wire] + 1) % R})
        if which in irrelevant:
            assert failure is None, (which, failure)
            continue
        assert failure is not None, which
        part = which.partition("/")[0]
        assert failure.constraint.partition("/")[0] in SAYS_NO[part], (which, failure)
    assert irrelevant <= set(template.inputs)


@pytest.mark.parametrize("name", ["channel", "raise ab"])
def test_children_of_paths_are_bound_where_the_leaf_counts(name: str) -> None:
    template = exit_template()
    values = solve(template, case(name))
    seen = 0
    for wire, child in enumerate(template.value_names[: template.n_wires]):
        if child.rpartition("/")[2] not in ("child0", "child1", "child2", "child3"):
            continue
        level = int(child.split("/")[1].removeprefix("level"))
        if level not in (0, 11):
            continue
        failure = failure_after(template, values, {wire: (values[wire] + 1) % R})
        scope, tree = child.rpartition("/")[0], child.partition("/")[0]
        own_place = failure is not None and failure.constraint == f"{scope}/own place"
        if child.startswith(tuple(outsiders(name))):
            assert failure is None or own_place, (child, failure)
        else:
            assert own_place or failure.constraint == f"{tree}/leaf is in the tree", child  # type: ignore[union-attr]
        seen += 1
    assert seen == 3 * 2 * 4
