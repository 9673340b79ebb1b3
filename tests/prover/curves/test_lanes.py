"""Additions and transforms eight at a time give the very words that one at a time gives."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from protocol.crypto.field import R
from protocol.crypto.lane_types import AVAILABLE
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints
from prover.curves.group_kernels import BLOCK
from prover.curves.groups import G1, Group
from tests.prover.curves.oracle import GROUPS

pytestmark = pytest.mark.skipif(
    not AVAILABLE, reason="no AVX-512 IFMA on this processor (or WATTLANE_SCALAR is set)"
)
SIZE = 200
Words = NDArray[np.uint64]
Refs = NDArray[np.int32]


def add(group: Group, eight: bool, table: Words, left: Refs, right: Refs, at: int) -> Words:
    """Twice: into fresh places, and into the table itself behind its points."""
    from prover.curves import group_entries, group_lane_entries

    entries: Any = group_lane_entries if eight else group_entries
    kernel = entries.add_pairs_g1 if group is G1 else entries.add_pairs_g2
    n = left.shape[0]
    scratch = np.empty((BLOCK, group.width // 12 * 8), dtype=np.uint64)
    fresh = np.full((at + n + 2, group.width), 7, dtype=np.uint64)
    kernel(table, left, table, right, fresh, at, n, scratch)
    behind = np.concatenate([table, np.full((n + 1, group.width), 7, dtype=np.uint64)])
    kernel(behind, left, behind, right, behind, table.shape[0], n, scratch)
    return np.concatenate([fresh, behind])


def make_table(group: Group) -> Words:
    scalars = from_ints([1, 1, *range(2, SIZE)])
    table = FixedBase(group, SIZE).multiply(scalars)
    table[7] = 0  # infinity as a point, not as a reference
    return table


def make_refs(rng: np.random.Generator, n: int, unusual: float) -> tuple[Refs, Refs]:
    """Pairs, of which the share `unusual` is equal, opposite, or has an infinite point."""
    left = rng.integers(0, 2 * SIZE, n).astype(np.int32)
    right = rng.integers(0, 2 * SIZE, n).astype(np.int32)
    sort = np.where(rng.random(n) < unusual, rng.integers(0, 6, n), -1)
    right = np.where(sort == 0, left, right)
    right = np.where(sort == 1, left ^ 1, right)
    left, right = np.where(sort == 2, -1, left), np.where(sort == 3, -1, right)
    left, right = np.where(sort >= 4, -1, left), np.where(sort == 4, -1, right)
    right = np.where(sort == 5, 14, right)
    return left.astype(np.int32), right.astype(np.int32)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_every_number_of_additions_and_every_share_of_unusual_ones(group: Group) -> None:
    rng, table = np.random.default_rng(1), make_table(group)
    sizes = [*range(1, 34), BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 13]
    for n in sizes:
        for unusual in (0.0, 0.1, 1.0):
            left, right = make_refs(rng, n, unusual)
            want = add(group, False, table, left, right, n % 3)
            assert (add(group, True, table, left, right, n % 3) == want).all(), (n, unusual)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_each_unusual_pair_in_each_lane(group: Group) -> None:
    table = make_table(group)
    pairs = [(4, 4), (4, 5), (5, 5), (-1, 6), (6, -1), (-1, -1), (14, 6), (6, 15), (14, 14), (0, 2)]
    for lane in range(8):
        for pair in pairs:
            left = np.arange(20, 36, 2, dtype=np.int32)
            right = np.arange(40, 56, 2, dtype=np.int32)
            left[lane], right[lane] = pair
            want = add(group, False, table, left, right, 0)
            assert (add(group, True, table, left, right, 0) == want).all(), (lane, pair)


def test_points_outside_the_subgroup_with_a_zero_coordinate() -> None:
    """(0, 2) and (0, -2) lie on the curve of G1: x = 0 alone does not mean infinity."""
    from protocol.crypto.field_code import FQ

    table = make_table(G1)
    table[0] = G1.encode((0, 2))
    table[1] = G1.encode((0, FQ.modulus - 2))
    left = np.array([0, 0, 0, 1, 2, -1, 0, 20, 3], dtype=np.int32)
    right = np.array([0, 1, 2, 1, 2, 0, 14, 0, 21], dtype=np.int32)
    want = add(G1, False, table, left, right, 0)
    assert (add(G1, True, table, left, right, 0) == want).all()
    assert G1.decode(want[0]) == (0, FQ.modulus - 2)


@pytest.mark.parametrize("name", ["split_layer", "merge_layer", "split_layers", "merge_layers"])
def test_layers_of_transforms(name: str) -> None:
    """Whole layers of all sizes, in two pieces; then pieces that end anywhere."""
    from prover.curves import transform_entries, transform_lane_entries

    one: Any = getattr(transform_entries, name)
    eight: Any = getattr(transform_lane_entries, name)
    count = 2 if name.endswith("s") else 1
    for log_size in range(count, 8):
        rng = random.Random(log_size)
        size = 1 << log_size
        values = from_ints([rng.choice([0, 1, R - 1, rng.randrange(R)]) for _ in range(size)])
        roots = from_ints([rng.randrange(R) for _ in range(size)])
        work = size >> count
        for log_half in range(log_size - count + 1):
            cuts = [(0, work)] if work < 16 else [(0, 8), (8, work)]
            for pieces in (cuts, [(0, work - 1)], [(0, work // 3)]):
                want, got = values.copy(), values.copy()
                for start, stop in pieces:
                    one(want, roots, log_half, start, stop)
                    eight(got, roots, log_half, start, stop)
                assert (got == want).all(), (log_size, log_half, pieces)
