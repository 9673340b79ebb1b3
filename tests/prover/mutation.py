"""Mutates every value of a satisfied circuit and demands that a constraint fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from protocol.crypto.field import R
from prover.r1cs.builder import Builder
from prover.r1cs.engine import evaluate, failure_after, failure_at, first_failure, solve
from prover.r1cs.errors import ConstraintFailed
from prover.r1cs.template import Op, Template


def record(build: Callable[[Builder], object], name: str = "test") -> Template:
    """The template of what `build` does to a Builder."""
    builder = Builder(name)
    build(builder)
    return builder.build()


def output(template: Template, inputs: Mapping[str, int], name: str) -> int:
    """The value of an export in a satisfied circuit."""
    return solve(template, inputs)[template.exports[name]]


def first_failing(
    template: Template, inputs: Mapping[str, int], overrides: Mapping[str, int] | None = None
) -> ConstraintFailed | None:
    """The first constraint that fails, with values replaced by name and all else following them."""
    places = {name: i for i, name in enumerate(template.value_names)}
    replaced = {places[name]: value for name, value in (overrides or {}).items()}
    return first_failure(template, evaluate(template, inputs, replaced))


def other_values(value: int) -> list[int]:
    """What to try instead of `value`: its neighbours, the other bit, the extremes."""
    tried = (value + 1, value - 1, 1 - value, -value, 0, R - 1)
    return [v for v in dict.fromkeys(x % R for x in tried) if v != value]


def assert_every_value_is_bound(
    template: Template,
    inputs: Mapping[str, int],
    *,
    free: Collection[str] = (),
    statement: Collection[str] = (),
) -> None:
    """Each wire, changed alone, fails; each computed value and each advice, changed before
    anything is computed from it, fails.

    free: names of values that do not matter for these inputs (an inverse of 0, say): changing
    them has to leave all exports as they are.
    statement: names of inputs for which another value may make another true statement.
    """
    values = solve(template, inputs)
    names = template.value_names
    exports = set(template.exports.values())
    assert set(free) <= set(names), set(free) - set(names)
    for wire in range(1, template.n_wires):
        if names[wire] in free:
            assert wire not in exports
        elif names[wire] not in statement:
            honest = values[wire]
            for value in other_values(honest):
                values[wire] = value
                assert failure_at(template, values, wire), f"{names[wire]} may be {value}"
            values[wire] = honest
    written = [
        (index, step.op)
        for step in template.steps
        for index in range(step.first, step.first + step.count)
        if index < template.n_wires
    ]
    for index, op in [*written, *((place, None) for place in template.advice.values())]:
        tried = other_values(values[index])
        for value in tried if op in (Op.BITS, Op.QUOTIENT) else tried[:1]:
            failure = failure_after(template, values, {index: value})
            if names[index] in free:
                follow = evaluate(template, inputs, {index: value})
                assert failure or all(follow[e] == values[e] for e in exports)
            else:
                assert failure, f"{names[index]} may be {value}"
