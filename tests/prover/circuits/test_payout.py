"""The payout gadget against Channel.payout, at its edges and at random."""

from __future__ import annotations

import random

import pytest

from protocol.channels import Channel, Payout, Status, pack_lane
from prover.circuits.payout import payout
from prover.gadgets.bits import input_uint
from prover.r1cs.builder import Builder
from prover.r1cs.template import Template
from tests.prover.mutation import assert_every_value_is_bound, output, record

NAMES = ("deposit_a", "deposit_b", "paid_ab", "paid_ba")
WIDTHS = (64, 64, 56, 56)
LARGEST = tuple((1 << bits) - 1 for bits in WIDTHS)


def build(b: Builder) -> None:
    a, b_ntok = payout(b, *(input_uint(b, n, w) for n, w in zip(NAMES, WIDTHS, strict=True)))
    b.export("a", a)
    b.export("b", b_ntok)


TEMPLATE: Template = record(build)


def inputs_of(values: tuple[int, ...]) -> dict[str, int]:
    return {f"{name}/value": value for name, value in zip(NAMES, values, strict=True)}


def expected(values: tuple[int, ...]) -> Payout:
    deposit_a, deposit_b, ab, ba = values
    channel = Channel(0, 1, 0, 0, Status.OPEN, 0, deposit_a, deposit_b, 0, 0, 1, 2)
    return channel.payout(pack_lane(0, ab), pack_lane(0, ba))


EDGES = [
    (0, 0, 0, 0),
    (0, 0, 5, 0),
    (0, 0, 0, 5),
    (10, 20, 10, 0),
    (10, 20, 11, 0),
    (10, 20, 0, 20),
    (10, 20, 0, 21),
    (10, 20, 50, 50),
    (10, 20, LARGEST[2], 0),
    (10, 20, 0, LARGEST[3]),
    LARGEST,
    (LARGEST[0], LARGEST[1], LARGEST[2], 0),
    (LARGEST[0], 0, 0, LARGEST[3]),
]


@pytest.mark.parametrize("values", EDGES)
def test_edges(values: tuple[int, ...]) -> None:
    found = Payout(
        output(TEMPLATE, inputs_of(values), "a"), output(TEMPLATE, inputs_of(values), "b")
    )
    assert found == expected(values)
    assert found.a_ntok + found.b_ntok == values[0] + values[1]


def test_random_values() -> None:
    rng = random.Random(7)
    for _ in range(100):
        values = tuple(rng.getrandbits(rng.randrange(1, bits + 1)) for bits in WIDTHS)
        found = output(TEMPLATE, inputs_of(values), "b")
        assert found == expected(values).b_ntok


@pytest.mark.parametrize("values", [(10, 20, 5, 1), (10, 20, 90, 1), (10, 20, 1, 90)])
def test_every_value_is_bound(values: tuple[int, ...]) -> None:
    assert_every_value_is_bound(TEMPLATE, inputs_of(values))
