"""Constraint counts change on purpose only: prover/gadgets/counts.json says them."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from protocol.crypto.jubjub import SUBGROUP_ORDER
from protocol.crypto.poseidon import Tag
from prover.gadgets import bits, compare, generator, jubjub, merkle, poseidon, schnorr, select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint

ROOT = Path(__file__).parents[3]
COUNTS = json.loads((ROOT / "prover/gadgets/counts.json").read_text())
STATEMENTS = (ROOT / "docs/statements.md").read_text()
MODULES: list[ModuleType] = [bits, compare, select, poseidon, merkle, jubjub, generator, schnorr]


class Operands:
    """Wires of every kind that gadgets take, without their constraints."""

    def __init__(self) -> None:
        self.b = Builder("count")
        self.x, self.y = self.b.inputs("v", 2)
        self.u64, self.v64 = (bits.unsafe_uint(x, 64) for x in self.b.inputs("u", 2))
        self.bit, self.other = (Bit(x.terms) for x in self.b.inputs("bit", 2))
        self.p, self.q = (jubjub.CurvePoint(*self.b.inputs(f"point{i}", 2)) for i in range(2))

    def bits(self, count: int) -> list[Bit]:
        return [Bit(x.terms) for x in self.b.inputs("many", count)]

    def four(self) -> list[Lc]:
        return self.b.inputs("four", 4)

    def uint(self, width: int) -> Uint:
        return bits.unsafe_uint(self.b.input(f"uint{width}"), width)


USES: dict[str, Callable[[Operands], object]] = {
    "enforce_bit": lambda o: bits.enforce_bit(o.b, o.x),
    "enforce_bits (64)": lambda o: bits.enforce_bits(o.b, o.x, 64),
    "enforce_uint (64)": lambda o: bits.enforce_uint(o.b, o.x, 64),
    "input_uint (64)": lambda o: bits.input_uint(o.b, "new", 64),
    "input_bit": lambda o: bits.input_bit(o.b, "new"),
    "unsafe_uint": lambda o: bits.unsafe_uint(o.x, 64),
    "uint_of_bits": lambda o: bits.uint_of_bits([o.bit, o.other]),
    "pack": lambda o: bits.pack(o.u64, o.v64),
    "enforce_canonical_bits": lambda o: bits.enforce_canonical_bits(o.b, o.x),
    "enforce_bits_below (252, l)": lambda o: bits.enforce_bits_below(
        o.b, o.bits(252), SUBGROUP_ORDER
    ),
    "is_bits_below (255, l)": lambda o: bits.is_bits_below(o.b, o.bits(255), SUBGROUP_ORDER),
    "is_zero": lambda o: compare.is_zero(o.b, o.x),
    "is_equal": lambda o: compare.is_equal(o.b, o.x, o.y),
    "enforce_nonzero": lambda o: compare.enforce_nonzero(o.b, o.x),
    "is_less (64)": lambda o: compare.is_less(o.b, o.u64, o.v64),
    "is_at_most (64)": lambda o: compare.is_at_most(o.b, o.u64, o.v64),
    "enforce_less (64)": lambda o: compare.enforce_less(o.b, o.u64, o.v64),
    "enforce_at_most (64)": lambda o: compare.enforce_at_most(o.b, o.u64, o.v64),
    "enforce_difference (64)": lambda o: compare.enforce_difference(o.b, o.u64, o.v64),
    "enforce_sum (64)": lambda o: compare.enforce_sum(o.b, o.u64, o.v64, 64),
    "sum_of": lambda o: compare.sum_of(o.u64, o.v64),
    "product_of": lambda o: compare.product_of(o.b, o.u64, o.uint(32)),
    "select": lambda o: select.select(o.b, o.bit, o.x, o.y),
    "masked": lambda o: select.masked(o.b, o.bit, o.x),
    "swap": lambda o: select.swap(o.b, o.bit, o.x, o.y),
    "mux4": lambda o: select.mux4(o.b, o.bit, o.other, o.four()),
    "is_both": lambda o: select.is_both(o.b, o.bit, o.other),
    "is_either": lambda o: select.is_either(o.b, o.bit, o.other),
    "is_exactly_one": lambda o: select.is_exactly_one(o.b, o.bit, o.other),
    "enforce_equal_if": lambda o: select.enforce_equal_if(o.b, o.bit, o.x, o.y),
    "hash2": lambda o: poseidon.hash2(o.b, Tag.KEY, o.x, o.y),
    "hash4": lambda o: poseidon.hash4(o.b, Tag.NODE, *o.four()),
    "permute (5)": lambda o: poseidon.permute(o.b, [o.x, *o.four()]),
    "root_of_path": lambda o: merkle.root_of_path(
        o.b, o.bits(24), o.x, merkle.advise_siblings(o.b)
    ),
    "updated_roots": lambda o: merkle.updated_roots(
        o.b, o.bits(24), o.x, o.y, merkle.advise_siblings(o.b)
    ),
    "advise_siblings": lambda o: merkle.advise_siblings(o.b),
    "enforce_on_curve": lambda o: jubjub.enforce_on_curve(o.b, o.x, o.y),
    "on_curve_or_identity": lambda o: jubjub.on_curve_or_identity(o.b, o.x, o.y),
    "negate": lambda o: jubjub.negate(o.p),
    "add": lambda o: jubjub.add(o.b, o.p, o.q),
    "quotient": lambda o: jubjub.quotient(o.b, o.x, o.y, "quotient"),
    "double": lambda o: jubjub.double(o.b, o.p),
    "generator_multiple (252)": lambda o: generator.generator_multiple(o.b, o.bits(252)),
    "multiple (128)": lambda o: jubjub.multiple(o.b, o.bits(128), o.p),
    "input_signature": lambda o: schnorr.input_signature(o.b, "new"),
    "enforce_signature": lambda o: schnorr.enforce_signature(
        o.b, schnorr.input_signature(o.b, "new"), o.x
    ),
    "enforce_signature (gated)": lambda o: schnorr.enforce_signature(
        o.b, schnorr.input_signature(o.b, "new"), o.x, enabled=o.bit
    ),
    "is_signature": lambda o: schnorr.is_signature(o.b, schnorr.input_signature(o.b, "new"), o.x),
}


def test_counts_are_the_committed_ones() -> None:
    counted = {}
    for name, use in USES.items():
        operands = Operands()
        use(operands)
        counted[name] = operands.b.n_constraints
    assert counted == COUNTS, "if meant, write this into prover/gadgets/counts.json"


def test_counts_keep_their_budget() -> None:
    assert COUNTS["enforce_signature"] <= 2_900
    assert COUNTS["updated_roots"] <= 7_300
    assert COUNTS["hash4"] <= 300


def gadgets() -> set[str]:
    return {
        name
        for module in MODULES
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__
        and not name.startswith("_")
        and "Builder" in str(inspect.signature(member))
    }


def test_every_gadget_has_a_count_and_a_statement() -> None:
    counted = {name.split(" ")[0] for name in COUNTS}
    stated = set(re.findall(r"^### `(\w+)`", STATEMENTS, re.MULTILINE))
    assert gadgets() - counted == set()
    assert gadgets() - stated == set()


def test_statements_name_the_committed_counts() -> None:
    for name, count in COUNTS.items():
        heading = name.split(" ")[0]
        entry = STATEMENTS.split(f"### `{heading}`")
        if len(entry) == 2:
            assert re.search(rf"\b{count:,}\b", entry[1].split("###")[0]), name
