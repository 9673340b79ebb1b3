from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from protocol.crypto import poseidon as plain
from protocol.crypto.field import R
from protocol.crypto.poseidon import Tag
from prover.gadgets.poseidon import hash2, hash4, permute
from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from prover.r1cs.template import Template
from tests.prover.mutation import assert_every_value_is_bound, output, record

VECTORS = Path(__file__).parents[2] / "vectors" / "poseidon_bls12_381.json"


def h2_of_inputs(b: Builder) -> None:
    b.export("hash", hash2(b, Tag.KEY, *b.inputs("x", 2)))


def h4_of_inputs(b: Builder) -> None:
    b.export("hash", hash4(b, Tag.NODE, *b.inputs("x", 4)))


H2, H4 = record(h2_of_inputs), record(h4_of_inputs)


def given(*inputs: int) -> dict[str, int]:
    return {f"x/{i}": value for i, value in enumerate(inputs)}


@pytest.mark.parametrize("number", [0, 1])
def test_permutation_gives_the_authors_vectors(number: int) -> None:
    vector = json.loads(VECTORS.read_text())["permutations"][number]
    inputs, outputs = ([int(x, 16) for x in vector[name]] for name in ("input", "output"))

    def build(b: Builder) -> None:
        for lane, value in enumerate(permute(b, b.inputs("x", len(inputs)))):
            b.export(f"lane/{lane}", value)

    template = record(build)
    values = solve(template, given(*inputs))
    assert [values[template.exports[f"lane/{i}"]] for i in range(len(outputs))] == outputs


@pytest.mark.parametrize("x", [0, 1, R - 1, 1 << 254])
def test_hashes_are_those_of_the_protocol_at_the_edges(x: int) -> None:
    assert output(H2, given(x, x), "hash") == plain.h2(Tag.KEY, x, x)
    assert output(H4, given(x, 0, x, 1), "hash") == plain.h4(Tag.NODE, x, 0, x, 1)


def test_hashes_are_those_of_the_protocol_at_random() -> None:
    random = Random(4)
    for _ in range(5):
        x = [random.randrange(R) for _ in range(4)]
        assert output(H2, given(*x[:2]), "hash") == plain.h2(Tag.KEY, x[0], x[1])
        assert output(H4, given(*x), "hash") == plain.h4(Tag.NODE, x[0], x[1], x[2], x[3])


def test_constant_inputs_are_folded() -> None:
    def half(b: Builder) -> None:
        b.export("hash", hash4(b, Tag.WITHDRAW, b.input("x"), 5, 0, 0))

    template = record(half)
    assert output(template, {"x": 9}, "hash") == plain.h4(Tag.WITHDRAW, 9, 5, 0, 0)
    assert len(template.rows) == 297 - 3 * 3 + 1  # three constant lanes less, the export more
    b = Builder("test")
    assert hash2(b, Tag.KEYS, 3, 4).constant == plain.h2(Tag.KEYS, 3, 4)
    assert b.n_constraints == 0


@pytest.mark.parametrize(("template", "width"), [(H2, 2), (H4, 4)])
def test_every_value_of_a_hash_is_bound(template: Template, width: int) -> None:
    assert_every_value_is_bound(template, given(*range(3, 3 + width)))
    assert_every_value_is_bound(template, given(*[0] * width))


def test_rows_of_a_and_b_stay_sparse_through_the_partial_rounds() -> None:
    partial = [
        row
        for row, name in zip(H4.rows, H4.row_names, strict=True)
        if any(f"round{k}/" in name for k in range(5, 64))
    ]
    assert len(partial) == 59 * 3
    assert max(len(row.a) for row in partial) == max(len(row.b) for row in partial) == 1
