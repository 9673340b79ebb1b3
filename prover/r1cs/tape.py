"""Invariant: a compiled template computes exactly what prover.r1cs.engine computes, much faster.

The template's rows and steps lie in flat arrays over one table of coefficients, in which 1 and -1
come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import from_ints
from prover.r1cs.engine import check_inputs
from prover.r1cs.lc import ONE
from prover.r1cs.tape_kernels import run_steps
from prover.r1cs.template import Template, Terms

_Indices = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Combinations:
    """Sparse rows: combination i has the terms start[i]..start[i + 1] (int32), each an index of
    a value or wire and a place in the table of coefficients."""

    start: _Indices
    index: _Indices
    factor: _Indices


@dataclass(frozen=True, slots=True, eq=False)
class CompiledTemplate:
    """A template in arrays. coefficients: the table as ints; table: the same, uint64[k, 4]."""

    template: Template
    coefficients: tuple[int, ...]
    table: NDArray[np.uint64]
    a: Combinations
    b: Combinations
    c: Combinations
    steps: _Indices
    operands: Combinations

    def run(self, inputs: Mapping[str, int]) -> NDArray[np.uint64]:
        """All values for one instance: uint64[n_values, 4], Montgomery form. Checks no constraint.

        Releases the interpreter's lock while it computes. Raises WrongInputs.
        """
        template = self.template
        check_inputs(template, inputs)
        given = template.given
        values = np.zeros((template.n_values, 4), dtype=np.uint64)
        places = np.fromiter((ONE, *given.values()), dtype=np.int64, count=1 + len(given))
        values[places] = from_ints([1, *(inputs[name] for name in given)])
        run_steps(
            values,
            self.steps,
            self.operands.start,
            self.operands.index,
            self.operands.factor,
            self.table,
        )
        return values


class _Table:
    """Coefficients by first use, and combinations over them."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {1: 0, R - 1: 1}

    def combinations(self, rows: Iterable[Terms]) -> Combinations:
        start, index, factor = [0], [], []
        places = self.places
        for terms in rows:
            for key, coefficient in terms.items():
                index.append(key)
                factor.append(places.setdefault(coefficient, len(places)))
            start.append(len(index))
        return Combinations(*(np.array(part, dtype=np.int32) for part in (start, index, factor)))


def compile_template(template: Template) -> CompiledTemplate:
    """The arrays of a template; equal combinations of the tape are stored once."""
    table = _Table()
    a = table.combinations(row.a for row in template.rows)
    b = table.combinations(row.b for row in template.rows)
    c = table.combinations(row.c for row in template.rows)
    numbers: dict[int, int] = {}
    distinct: list[Terms] = []

    def number_of(terms: Terms) -> int:
        number = numbers.setdefault(id(terms), len(distinct))
        if number == len(distinct):
            distinct.append(terms)
        return number

    steps = np.array(
        [
            (s.op, s.first, s.count, s.low, number_of(s.a), number_of(s.b), number_of(s.c))
            for s in template.steps
        ],
        dtype=np.int32,
    ).reshape(-1, 7)
    operands = table.combinations(distinct)
    coefficients = tuple(table.places)
    return CompiledTemplate(
        template, coefficients, from_ints(coefficients), a, b, c, steps, operands
    )
