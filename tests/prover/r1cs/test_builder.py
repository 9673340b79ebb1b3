from __future__ import annotations

import pytest

from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from prover.r1cs.errors import BadCircuit, UnconstrainedWires
from prover.r1cs.lc import Lc


def test_a_product_costs_one_constraint_and_a_sum_none() -> None:
    b = Builder("test")
    x, y = b.inputs("v", 2)
    b.mul(x + 3 * y - 1, y - x, x)
    assert b.n_constraints == 1


def test_products_with_constants_are_folded() -> None:
    b = Builder("test")
    x = b.input("x")
    assert b.mul(x, 5, 1).terms == (5 * x + 1).terms
    assert b.mul(Lc.of(5), 6).constant == 30
    assert b.n_constraints == 0


def test_constraints_carry_the_path_of_their_scopes() -> None:
    b = Builder("test")
    with b.scope("channel"), b.scope("path"), b.scope("level3"):
        x = b.input("x")
        b.mul(x, x, label="node")
    template = b.build()
    assert template.row_names == ("channel/path/level3/node",)
    assert template.inputs == {"channel/path/level3/x": 1}
    assert template.value_names == ("one", "channel/path/level3/x", "channel/path/level3/node")


def test_public_inputs_come_first() -> None:
    b = Builder("test")
    x = b.public("first")
    b.mul(x, x)
    with pytest.raises(BadCircuit, match="public input late comes after another wire"):
        b.public("late")


def test_a_name_is_given_once() -> None:
    b = Builder("test")
    b.input("x")
    with pytest.raises(BadCircuit, match="two inputs or exports are named x"):
        b.advice("x")


def test_a_temporary_in_a_constraint_is_refused() -> None:
    b = Builder("test")
    x, secret = b.input("x"), b.advice("secret")
    for place in range(3):
        parts = [x, x, x]
        parts[place] = b.temp_product(secret, x)
        with pytest.raises(BadCircuit, match="names a temporary"):
            b.enforce_product(*parts)


def test_temporaries_lie_after_the_wires_and_help_to_compute_hints() -> None:
    b = Builder("test")
    x, y = b.input("x"), b.advice("y")
    root = b.hint_product(b.temp_product(y, y), 3, 1)  # 3 y^2 + 1
    b.enforce_product(x, root, 26)
    template = b.build()
    values = solve(template, {"x": 2, "y": 2})
    assert template.n_wires == 3
    assert values == [1, 2, 13, 2, 4]


def test_wires_without_a_constraint_are_named() -> None:
    b = Builder("test")
    x = b.input("x")
    b.mul(x, x)
    b.link("root")
    b.hint_bits(x, 2)
    with pytest.raises(UnconstrainedWires, match=r"3 wires .*: root, bit0, bit1") as caught:
        b.build()
    assert caught.value.wires == ("root", "bit0", "bit1")


def test_an_export_is_a_wire_of_its_own_instance() -> None:
    b = Builder("test")
    x, root = b.input("x"), b.link("root")
    square = b.mul(x, root)
    b.export("square", square)
    assert b.n_constraints == 1
    b.export("sum", x + square)
    b.export("through", root)
    b.export("three", 3)
    assert b.n_constraints == 4
    template = b.build()
    values = solve(template, {"x": 2, "root": 5})
    exported = {name: values[wire] for name, wire in template.exports.items()}
    assert exported == {"square": 10, "sum": 12, "through": 5, "three": 3}
    assert template.links["root"] not in template.exports.values()
