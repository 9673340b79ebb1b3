"""Poseidon is the authors' own: their published states, their matrix, our tags kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocol.crypto.field import R
from protocol.crypto.poseidon import FULL_ROUNDS, PARTIAL_ROUNDS, Tag, constants, h2, h4, permute

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "poseidon_bls12_381.json").read_text()
)


@pytest.mark.parametrize("vector", VECTORS["permutations"], ids=lambda one: f"t={one['t']}")
def test_the_permutation_gives_the_published_state(vector: dict[str, object]) -> None:
    assert int(VECTORS["field"], 16) == R
    state, out = (
        tuple(int(text, 16) for text in vector[key])  # type: ignore[attr-defined]
        for key in ("input", "output")
    )
    assert permute(state) == out
    assert vector["full_rounds"] == FULL_ROUNDS
    assert PARTIAL_ROUNDS[len(state)] == vector["partial_rounds"]
    hashed = h2(Tag(1), *state[1:]) if len(state) == 3 else h4(Tag(1), *state[1:])
    assert hashed == permute((1, *state[1:]))[1]


@pytest.mark.parametrize("width", [3, 5])
def test_the_matrix_is_cauchy_and_all_constants_are_canonical(width: int) -> None:
    table = constants(width)
    assert len(table.rounds) == FULL_ROUNDS + PARTIAL_ROUNDS[width]
    numbers = [one for row in (*table.rounds, *table.mds) for one in row]
    assert all(0 <= one < R for one in numbers)
    assert len({one for row in table.mds for one in row}) == width * width
    inverted = [[pow(one, -1, R) for one in row] for row in table.mds]  # x_i + y_j
    for row in inverted:
        differences = [(a - b) % R for a, b in zip(row, inverted[0], strict=True)]
        assert len(set(differences)) == 1


def test_tags_are_distinct_and_keep_equal_inputs_apart() -> None:
    assert len({int(tag) for tag in Tag}) == len(Tag) == 15
    assert {int(tag) for tag in Tag} == set(range(1, 16))
    assert len({h2(tag, 7, 8) for tag in Tag}) == len(Tag)
    assert len({h4(tag, 7, 8, 9, 10) for tag in Tag}) == len(Tag)


def test_the_order_of_inputs_matters_and_widths_differ() -> None:
    assert h2(Tag.KEY, 1, 2) != h2(Tag.KEY, 2, 1)
    assert h4(Tag.NODE, 1, 2, 0, 0) != h2(Tag.NODE, 1, 2)
