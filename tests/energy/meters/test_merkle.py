"""Merkle trees: published roots, every path, and no path to anything else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.meters.merkle import EMPTY_ROOT, path_to, root_from, root_of

# Leaves and roots of the tests of Certificate Transparency's own implementation. Ref: The
# transparency-dev authors, merkle, testonly/reference_test.go and constants.go,
# https://github.com/transparency-dev/merkle.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("count", ROOTS)
def test_published_roots_are_reproduced(count: int) -> None:
    assert root_of(LEAVES[:count]).hex() == ROOTS[count]


def test_no_leaves_have_a_root_too() -> None:
    assert root_of([]) == EMPTY_ROOT


@pytest.mark.parametrize("count", range(1, 18))
def test_every_leaf_has_a_path_and_no_other_place(count: int) -> None:
    leaves = [hashlib.sha256(bytes([place])).digest() for place in range(count)]
    root = root_of(leaves)
    for place, leaf in enumerate(leaves):
        path = path_to(leaves, place)
        assert root_from(leaf, place, count, path) == root
        assert root_from(leaf, place, count, (*path, bytes(32))) is None
        if path:
            assert root_from(leaf, place, count, path[:-1]) != root
        for other in range(count):
            if other != place:
                assert root_from(leaf, other, count, path) != root
    assert root_from(leaves[0], count, count, path_to(leaves, 0)) is None
    assert root_from(leaves[0], -1, count, path_to(leaves, 0)) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.data())
def test_a_changed_leaf_or_node_leads_elsewhere(count: int, data: st.DataObject) -> None:
    leaves = [hashlib.sha256(bytes([place])).digest() for place in range(count)]
    place = data.draw(st.integers(0, count - 1))
    path = list(path_to(leaves, place))
    other = data.draw(st.integers(0, len(path)))
    leaf = leaves[place]
    if other == len(path):
        leaf = bytes(32)
    else:
        path[other] = bytes(32)
    assert root_from(leaf, place, count, path) != root_of(leaves)
