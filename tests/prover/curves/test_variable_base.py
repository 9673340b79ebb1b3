"""Each point times its own scalar, against multiples of the generator."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves.buckets import all_refs
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.groups import Group
from prover.curves.variable_base import multiply_each
from tests.prover.curves.oracle import GROUPS, points

EDGES = [0, 1, 2, 7, 8, 9, 15, 16, R - 1, R - 2, R - 8, R // 2, R // 2 + 1, 1 << 128, 1 << 254]


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_edge_scalars_times_edge_points(group: Group) -> None:
    bases = [0, 1, 2, R - 1]
    table = points(group, bases)
    chosen = [(i, scalar) for i in range(len(bases)) for scalar in EDGES]
    refs = np.array([2 * i for i, _ in chosen], dtype=np.int32)
    got = multiply_each(group, table, refs, from_ints([scalar for _, scalar in chosen]))
    assert np.array_equal(got, points(group, [bases[i] * scalar % R for i, scalar in chosen]))
    negated = multiply_each(group, table, refs + 1, from_ints([scalar for _, scalar in chosen]))
    assert np.array_equal(negated, points(group, [-bases[i] * s % R for i, s in chosen]))


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("count", [0, 1, 2049, 5000])
def test_many_random_ones(group: Group, count: int) -> None:
    rng = Random(count)
    bases, scalars = ([rng.randrange(R) for _ in range(count)] for _ in range(2))
    base = FixedBase(group, 5000)
    table = base.multiply(from_ints(bases))
    got = multiply_each(group, table, all_refs(count), from_ints(scalars))
    products = [a * b % R for a, b in zip(bases, scalars, strict=True)]
    assert np.array_equal(got, base.multiply(from_ints(products)))


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_small_scalars_alone_and_none_but_zeros(group: Group) -> None:
    table = points(group, [5, 7])
    got = multiply_each(group, table, all_refs(2), from_ints([3, R - 3]))
    assert np.array_equal(got, points(group, [15, R - 21]))
    assert not multiply_each(group, table, all_refs(2), from_ints([0, 0])).any()
