"""Conditions: what is off demands nothing, what is on leaves no way out; types are one of nine."""

from __future__ import annotations

import pytest

from protocol.crypto.field import R
from protocol.crypto.poseidon import Tag, h4
from protocol.transactions import TxType
from prover.circuits.conditions import (
    enforce_nonzero_if,
    enforce_zero_if,
    one_of,
    tag_of,
    tagged_hash4,
)
from prover.circuits.kinds import input_kind
from prover.gadgets.bits import input_bit
from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from prover.r1cs.lc import Bit
from tests.prover.mutation import assert_every_value_is_bound, first_failing, output, record


def zero_if(b: Builder) -> None:
    enforce_zero_if(b, input_bit(b, "bit"), b.input("x"), b.input("y"), label="zero")


def nonzero_if(b: Builder) -> None:
    enforce_nonzero_if(b, input_bit(b, "bit"), b.input("x"), label="nonzero")


@pytest.mark.parametrize("x", [0, 1, R - 1])
def test_switched_off_nothing_is_demanded(x: int) -> None:
    solve(record(zero_if), {"bit": 0, "x": x, "y": 3})
    solve(record(nonzero_if), {"bit": 0, "x": x})


def test_switched_on_every_value_counts() -> None:
    template = record(zero_if)
    solve(template, {"bit": 1, "x": 0, "y": 0})
    for x, y, name in ((1, 0, "zero 0"), (0, 1, "zero 1")):
        failure = first_failing(template, {"bit": 1, "x": x, "y": y})
        assert failure is not None
        assert failure.constraint == name


def test_nonzero_where_on() -> None:
    template = record(nonzero_if)
    assert_every_value_is_bound(template, {"bit": 1, "x": 5}, statement=["x"])
    assert_every_value_is_bound(template, {"bit": 0, "x": 5}, statement=["x"])
    assert first_failing(template, {"bit": 1, "x": 0})


def test_tag_and_hash_are_the_chosen_ones() -> None:
    def build(b: Builder) -> None:
        open_, close = input_bit(b, "open"), input_bit(b, "close")
        tag = tag_of(((open_, Tag.OPEN), (close, Tag.CLOSE)))
        b.export("hash", tagged_hash4(b, tag, [*b.inputs("x", 3), 0], label="hash"))

    template = record(build)
    assert len(template.rows) == 2 + (300 - 3) + 1  # two bits; one input constant; the export
    inputs = {"x/0": 7, "x/1": 8, "x/2": 9}
    for name, tag in (("open", Tag.OPEN), ("close", Tag.CLOSE)):
        chosen = {"open": 0, "close": 0, **inputs, name: 1}
        assert output(template, chosen, "hash") == h4(tag, 7, 8, 9, 0)


def kind(b: Builder) -> None:
    found = input_kind(b)
    for tx_type in TxType:
        b.export(tx_type.name, getattr(found, tx_type.name.lower()))


@pytest.mark.parametrize("tx_type", TxType)
def test_one_bit_is_set_for_each_type(tx_type: TxType) -> None:
    template = record(kind)
    for other in TxType:
        bit = output(template, {"kind/type": int(tx_type)}, other.name)
        assert bit == (other is tx_type)
    assert_every_value_is_bound(template, {"kind/type": int(tx_type)})


@pytest.mark.parametrize("number", [*range(9, 18), 2**254])
def test_no_other_number_is_a_type(number: int) -> None:
    failure = first_failing(record(kind), {"kind/type": number})
    assert failure is not None
    assert failure.constraint in ("kind/a type that exists", "kind/bits add up")


def test_one_of_adds_up() -> None:
    b = Builder("sum")
    bits = [Bit(b.input(f"bit{i}").terms) for i in range(3)]
    assert one_of(*bits).terms == {1: 1, 2: 1, 3: 1}
