"""One slot: the compiled tape's values, the first constraint that they fail, what they export.

Five rows of six define a wire: they say of it what the step that writes it computes, by the same
arithmetic, so the tape's values cannot fail them. What can fail is looked at every time, all rows
every sixteenth time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import count

import numpy as np
from numpy.typing import NDArray

from protocol.crypto.field import R
from prover.curves.fr import to_ints
from prover.r1cs.lc import ONE
from prover.r1cs.tape import CompiledTemplate, compile_template
from prover.r1cs.template import Op, Row, Step, Template, Terms
from tests.differential.row_kernels import first_failing_row

ALL_ROWS_EVERY = 16


def steps_by_wire(template: Template) -> dict[int, Step]:
    """The steps that compute a product or a combination, by the wire that they write."""
    return {step.first: step for step in template.steps if step.op in (Op.PRODUCT, Op.LINEAR)}


def is_definition(row: Row, steps: Mapping[int, Step]) -> bool:
    """Whether the row is a * b = wire - c, and a * b + c what a step writes into the wire."""
    return any(
        factor == 1 and wire in steps and _says(row, wire, steps[wire])
        for wire, factor in row.c.items()
    )


def _says(row: Row, wire: int, step: Step) -> bool:
    one: Terms = {ONE: 1}
    factors = (step.a, step.b if step.op is Op.PRODUCT else one)
    rest = {key: R - factor for key, factor in row.c.items() if key != wire}
    return (row.a, row.b) == factors and rest == step.c


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A template that is run by itself. all_rows, assertions: int32, numbers of rows."""

    compiled: CompiledTemplate
    all_rows: NDArray[np.int32]
    assertions: NDArray[np.int32]
    _runs: count[int] = field(default_factory=count)

    @classmethod
    def of(cls, template: Template) -> Slot:
        steps = steps_by_wire(template)
        rows = [i for i, row in enumerate(template.rows) if not is_definition(row, steps)]
        numbers = np.arange(len(template.rows), dtype=np.int32)
        return cls(compile_template(template), numbers, np.array(rows, dtype=np.int32))

    def run(self, inputs: Mapping[str, int]) -> tuple[str | None, dict[str, int]]:
        """The name of the first constraint that fails, and all exports by name."""
        values = self.compiled.run(inputs)
        whole = next(self._runs) % ALL_ROWS_EVERY == 0
        return self.failing(values, whole=whole), self.exports(values)

    def failing(self, values: NDArray[np.uint64], *, whole: bool) -> str | None:
        """The first constraint that fails: of the whole, or of what no step makes true."""
        one = self.compiled
        a, b, c = one.a, one.b, one.c
        number = first_failing_row(
            self.all_rows if whole else self.assertions,
            values,
            a.start,
            a.index,
            a.factor,
            b.start,
            b.index,
            b.factor,
            c.start,
            c.index,
            c.factor,
            one.table,
        )
        return None if number < 0 else one.template.row_names[number]

    def exports(self, values: NDArray[np.uint64]) -> dict[str, int]:
        places = self.compiled.template.exports
        return dict(zip(places, to_ints(values[[*places.values()]]), strict=True))


@cache
def slot_of(template: Template) -> Slot:
    return Slot.of(template)
