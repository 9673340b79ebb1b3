from __future__ import annotations

from random import Random

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves.fr import to_ints
from prover.r1cs.builder import Builder
from prover.r1cs.engine import evaluate
from prover.r1cs.errors import WrongInputs
from prover.r1cs.lc import Lc
from prover.r1cs.tape import compile_template
from prover.r1cs.tape_kernels import LONG
from tests.prover.gadgets.test_merkle import UPDATE, street, update_inputs
from tests.prover.gadgets.test_schnorr import ALWAYS, sign
from tests.prover.gadgets.test_schnorr import given as signature_given
from tests.prover.r1cs.random_template import random_inputs, random_template


@pytest.mark.parametrize("seed", range(30))
def test_the_compiled_tape_computes_what_the_engine_computes(seed: int) -> None:
    template = random_template(seed)
    compiled = compile_template(template)
    for number in range(5):
        inputs = random_inputs(template, 100 * seed + number)
        assert to_ints(compiled.run(inputs)) == evaluate(template, inputs)


def test_real_gadgets_agree_too() -> None:
    update = update_inputs(street(), 17, R - 1)
    assert to_ints(compile_template(UPDATE).run(update)) == evaluate(UPDATE, update)
    signature = signature_given(sign())
    assert to_ints(compile_template(ALWAYS).run(signature)) == evaluate(ALWAYS, signature)


def test_also_where_the_inputs_satisfy_nothing() -> None:
    inputs = {name: R - 1 - i for i, name in enumerate(ALWAYS.given)}
    assert to_ints(compile_template(ALWAYS).run(inputs)) == evaluate(ALWAYS, inputs)


@pytest.mark.parametrize("count", [LONG - 1, LONG, LONG + 1, 40, 700])
def test_sums_of_many_products_are_right_also_where_each_is_as_large_as_can_be(count: int) -> None:
    random, b = Random(count), Builder(f"{count} terms")
    wires = [*b.inputs("x", count)]
    for factors in (
        [R - 2] * count,
        [random.choice([1, 2, R - 1, R - 2, random.randrange(R)]) for _ in range(count)],
    ):
        b.materialise(Lc.total(zip(factors, wires, strict=True)), label="sum")
    template = b.build()
    compiled = compile_template(template)
    for inputs in (
        dict.fromkeys(template.given, R - 1),
        {name: random.randrange(R) for name in template.given},
    ):
        assert to_ints(compiled.run(inputs)) == evaluate(template, inputs)


def test_inputs_are_checked() -> None:
    template = random_template(0)
    with pytest.raises(WrongInputs, match="missing: advice"):
        compile_template(template).run({f"x/{i}": i for i in range(4)})


def test_equal_combinations_are_stored_once_and_units_come_first() -> None:
    compiled = compile_template(UPDATE)
    assert compiled.coefficients[:2] == (1, R - 1)
    assert to_ints(compiled.table) == list(compiled.coefficients)
    squares = (compiled.steps[:, 0] == 1) & (compiled.steps[:, 4] == compiled.steps[:, 5])
    assert int(np.count_nonzero(squares)) >= 24 * 2 * 95  # two squarings an S-box
