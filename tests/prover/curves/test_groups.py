"""Addition of points in every exceptional case, and the two encodings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from protocol.crypto.field import R
from prover.curves.group_kernels import BLOCK
from prover.curves.groups import Group
from tests.prover.curves.oracle import GROUPS, coordinates, points, times_generator


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_encoding_survives_the_way_there_and_back(group: Group) -> None:
    assert group.decode(group.encode(group.generator)) == group.generator
    assert coordinates(times_generator(group, 1)) == group.generator
    assert group.decode(group.encode(None)) is None


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_sums_of_equal_opposite_and_infinite_points(group: Group) -> None:
    scalars = [0, 1, 2, R - 1, R - 2, 7]
    table = points(group, scalars)
    refs = [(i, sign) for i in range(len(scalars)) for sign in (0, 1)] + [(-1, 1)]
    pairs = list(itertools.product(refs, repeat=2))

    def encode(ref: tuple[int, int]) -> int:
        return -1 if ref[0] < 0 else 2 * ref[0] + ref[1]

    def scalar(ref: tuple[int, int]) -> int:
        return 0 if ref[0] < 0 else (-1) ** ref[1] * scalars[ref[0]]

    left = np.array([encode(a) for a, _ in pairs], dtype=np.int32)
    right = np.array([encode(b) for _, b in pairs], dtype=np.int32)
    out = np.zeros((len(pairs), group.width), dtype=np.uint64)
    group.add_pairs(table, left, table, right, out)
    for (a, b), point in zip(pairs, out, strict=True):
        want = coordinates(times_generator(group, (scalar(a) + scalar(b)) % R))
        assert group.decode(point) == want, (a, b)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
@pytest.mark.parametrize("count", [BLOCK - 1, BLOCK, BLOCK + 1])
def test_blocks_of_additions_join(group: Group, count: int) -> None:
    table = points(group, range(8))
    left = np.array([2 * (i % 8) for i in range(count)], dtype=np.int32)
    right = np.array([2 * (i // 8 % 8) for i in range(count)], dtype=np.int32)
    out = np.zeros((count, group.width), dtype=np.uint64)
    group.add_pairs(table, left, table, right, out)
    sums = points(group, range(15))
    assert (out == sums[[i % 8 + i // 8 % 8 for i in range(count)]]).all()


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_sum_of_doublings(group: Group) -> None:
    scalars = [5, 0, R - 1, 3, 3]
    want = sum(scalar << i for i, scalar in enumerate(scalars)) % R
    total = group.sum_of_doublings(points(group, scalars))
    assert group.decode(total) == coordinates(times_generator(group, want))
