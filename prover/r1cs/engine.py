"""Invariant: the reference meaning of a template, on Python ints: what the tape computes, and which
constraint fails first. The compiled tape must agree with it.

Mutations find what constraints miss. `failure_after` replaces values at the moment they are given
or computed and lets everything downstream follow: what a cheating prover can do. `failure_at` looks
at a list in which one wire was changed and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush

from protocol.crypto.field import R
from prover.r1cs.errors import ConstraintFailed, WrongInputs
from prover.r1cs.lc import ONE
from prover.r1cs.template import Op, Step, Template, Terms


def check_inputs(template: Template, inputs: Mapping[str, int]) -> None:
    """Raise WrongInputs unless `inputs` gives each name of the template an int in 0 .. R - 1."""
    given = template.given
    missing = tuple(name for name in given if name not in inputs)
    unknown = tuple(name for name in inputs if name not in given)
    bad = tuple(
        name for name, value in inputs.items() if type(value) is not int or not 0 <= value < R
    )
    if missing or unknown or bad:
        raise WrongInputs(template.name, missing, unknown, bad)


def evaluate(
    template: Template, inputs: Mapping[str, int], overrides: Mapping[int, int] | None = None
) -> list[int]:
    """All values (wires, then temporaries) for the inputs; constraints are not looked at.

    overrides: index of a value -> what it is instead, before anything is computed from it.
    Raises WrongInputs.
    """
    check_inputs(template, inputs)
    overrides = overrides or {}
    values = [0] * template.n_values
    values[ONE] = 1
    for name, index in template.given.items():
        values[index] = inputs[name]
    for index, value in overrides.items():
        values[index] = value
    for step in template.steps:
        _run(step, values, overrides)
    return values


def _run(step: Step, values: list[int], overrides: Mapping[int, int]) -> None:
    a = combine(step.a, values)
    if step.op is Op.BITS:
        for i in range(step.count):
            values[step.first + i] = a >> (step.low + i) & 1
    elif step.op is Op.LINEAR:
        values[step.first] = a
    elif step.op is Op.PRODUCT:
        values[step.first] = (a * combine(step.b, values) + combine(step.c, values)) % R
    else:
        b = combine(step.b, values)
        values[step.first] = a * pow(b, -1, R) % R if b else 0
    if overrides:
        for index in range(step.first, step.first + step.count):
            if index in overrides:
                values[index] = overrides[index]


def combine(terms: Terms, values: Sequence[int]) -> int:
    """The value of a linear combination."""
    return sum(coefficient * values[index] for index, coefficient in terms.items()) % R


def first_failure(template: Template, values: Sequence[int]) -> ConstraintFailed | None:
    """The first constraint that `values` do not satisfy, or None."""
    return _failure(template, values, range(len(template.rows)))


def failure_at(template: Template, values: Sequence[int], wire: int) -> ConstraintFailed | None:
    """The first failing constraint of those that `wire` occurs in: for mutations of one wire."""
    return _failure(template, values, rows_of_wires(template)[wire])


def solve(template: Template, inputs: Mapping[str, int]) -> list[int]:
    """All values. Raises WrongInputs, or ConstraintFailed for the first constraint that fails."""
    values = evaluate(template, inputs)
    failure = first_failure(template, values)
    if failure is not None:
        raise failure
    return values


def failure_after(
    template: Template, values: Sequence[int], overrides: Mapping[int, int]
) -> ConstraintFailed | None:
    """What `evaluate` with these overrides and `first_failure` find, but only as far as needed.

    values: what `evaluate` gave without overrides, satisfying all constraints. Steps that depend on
    a changed value run again, in order; a constraint is looked at as soon as its wires are final,
    so the one returned may be another of those that fail.
    """
    uses = _uses(template)
    changed = list(values)
    queue: list[tuple[int, int, int]] = []
    seen: set[tuple[int, int, int]] = set()

    def spread(index: int) -> None:
        events = [(step, 0, step) for step in uses.steps[index]]
        if index < template.n_wires:
            events += [(uses.final[row], 1, row) for row in rows_of_wires(template)[index]]
        for event in events:
            if event not in seen:
                seen.add(event)
                heappush(queue, event)

    for index, value in overrides.items():
        if value != changed[index]:
            changed[index] = value
            spread(index)
    while queue:
        _, is_row, number = heappop(queue)
        if is_row:
            failure = _failure(template, changed, (number,))
            if failure is not None:
                return failure
            continue
        step = template.steps[number]
        outputs = range(step.first, step.first + step.count)
        before = [changed[index] for index in outputs]
        _run(step, changed, overrides)
        for index, old in zip(outputs, before, strict=True):
            if changed[index] != old:
                spread(index)
    return None


@dataclass(frozen=True, slots=True)
class _Uses:
    """steps: for each value the steps that read it; final: for each row its wires' last step."""

    steps: tuple[tuple[int, ...], ...]
    final: tuple[int, ...]


@lru_cache(maxsize=8)
def _uses(template: Template) -> _Uses:
    steps: list[list[int]] = [[] for _ in range(template.n_values)]
    writer = [-1] * template.n_values
    for number, step in enumerate(template.steps):
        for index in {**step.a, **step.b, **step.c}:
            steps[index].append(number)
        writer[step.first : step.first + step.count] = [number] * step.count
    final = tuple(
        max((writer[wire] for wire in {**row.a, **row.b, **row.c}), default=-1)
        for row in template.rows
    )
    return _Uses(tuple(map(tuple, steps)), final)


@lru_cache(maxsize=8)
def rows_of_wires(template: Template) -> tuple[tuple[int, ...], ...]:
    """For each wire the rows that it occurs in, ascending."""
    rows: list[list[int]] = [[] for _ in range(template.n_wires)]
    for number, row in enumerate(template.rows):
        for wire in {**row.a, **row.b, **row.c}:
            rows[wire].append(number)
    return tuple(map(tuple, rows))


def _failure(
    template: Template, values: Sequence[int], numbers: Sequence[int]
) -> ConstraintFailed | None:
    for number in numbers:
        row = template.rows[number]
        a, b, c = combine(row.a, values), combine(row.b, values), combine(row.c, values)
        if (a * b - c) % R:
            return ConstraintFailed(template.name, template.row_names[number], number, a, b, c)
    return None
