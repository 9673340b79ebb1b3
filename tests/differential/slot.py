"""One slot: the compiled tape's values, the first constraint that they fail, what they export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from prover.curves.fr import to_ints
from prover.r1cs.tape import CompiledTemplate, compile_template
from prover.r1cs.template import Template
from tests.differential.row_kernels import first_failing_row


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A template that is run by itself; every row of it is looked at."""

    compiled: CompiledTemplate

    def run(self, inputs: Mapping[str, int]) -> tuple[str | None, dict[str, int]]:
        """The name of the first constraint that fails, and all exports by name."""
        values = self.compiled.run(inputs)
        return self.failing(values), self.exports(values)

    def failing(self, values: NDArray[np.uint64]) -> str | None:
        one = self.compiled
        a, b, c = one.a, one.b, one.c
        number = first_failing_row(
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
    return Slot(compile_template(template))
