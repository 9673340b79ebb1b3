from __future__ import annotations

from random import Random

import pytest

from protocol.crypto.field import R
from protocol.crypto.merkle import MerkleTree
from prover.gadgets.bits import enforce_bits
from prover.gadgets.merkle import (
    INDEX_BITS,
    advise_siblings,
    root_of_path,
    siblings_inputs,
    updated_roots,
)
from prover.r1cs.builder import Builder
from prover.r1cs.engine import solve
from tests.prover.mutation import assert_every_value_is_bound, first_failing, record


def read(b: Builder) -> None:
    root, leaf = b.link("root"), b.input("leaf")
    index = enforce_bits(b, b.input("index"), INDEX_BITS)
    computed = root_of_path(b, index, leaf, advise_siblings(b))
    b.enforce_equal(computed, root, label="root")


def update(b: Builder) -> None:
    roots = b.link("old_root"), b.link("new_root")
    index = enforce_bits(b, b.input("index"), INDEX_BITS)
    siblings = advise_siblings(b)
    old, new = updated_roots(b, index, b.input("old_leaf"), b.input("new_leaf"), siblings)
    b.enforce_equal(old, roots[0], label="old root")
    b.enforce_equal(new, roots[1], label="new root")


READ, UPDATE = record(read), record(update)
LAST = (1 << INDEX_BITS) - 1


def street() -> MerkleTree:
    random, tree = Random(7), MerkleTree()
    for index in (0, 1, 2, 3, 4, 17, 1 << 23, LAST - 1):
        tree.set(index, random.randrange(R))
    return tree


def read_inputs(tree: MerkleTree, index: int) -> dict[str, int]:
    leaf, siblings = tree.leaf(index), siblings_inputs("siblings", tree.path(index))
    return {"index": index, "leaf": leaf, "root": tree.root, **siblings}


def update_inputs(tree: MerkleTree, index: int, new_leaf: int) -> dict[str, int]:
    """Writes the leaf into the tree, too."""
    inputs = {"index": index, "old_leaf": tree.leaf(index), "old_root": tree.root}
    siblings = siblings_inputs("siblings", tree.set(index, new_leaf))
    return {**inputs, "new_leaf": new_leaf, "new_root": tree.root, **siblings}


@pytest.mark.parametrize("index", [0, 1, 2, 3, 5, 17, 1 << 23, LAST - 1, LAST])
def test_a_leaf_is_read_under_the_trees_root(index: int) -> None:
    solve(READ, read_inputs(street(), index))


@pytest.mark.parametrize("index", [0, 1, 2, 3, 17, 99, LAST])
@pytest.mark.parametrize("leaf", [0, 1, R - 1])
def test_an_update_leads_from_the_old_root_to_the_new_one(index: int, leaf: int) -> None:
    solve(UPDATE, update_inputs(street(), index, leaf))


def test_updates_chain_also_on_one_leaf_and_on_neighbours() -> None:
    tree = street()
    for index in (5, 5, 6, 7, 4, 5):
        solve(UPDATE, update_inputs(tree, index, index + 100))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"leaf": 5}, "root"),
        ({"root": 5}, "root"),
        ({"index": 16}, "root"),
        ({"index": 17 + (1 << INDEX_BITS)}, "bits add up"),
        ({"siblings/0/2": 1}, "root"),
        ({"siblings/11/0": 1}, "root"),
    ],
)
def test_a_wrong_path_fails(change: dict[str, int], constraint: str) -> None:
    failure = first_failing(READ, read_inputs(street(), 17) | change)
    assert failure is not None
    assert failure.constraint == constraint


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"old_leaf": 5}, "old root"),
        ({"new_leaf": 5}, "new root"),
        ({"index": 18}, "old root"),
        ({"siblings/3/1": 1}, "old root"),
    ],
)
def test_a_wrong_update_fails(change: dict[str, int], constraint: str) -> None:
    failure = first_failing(UPDATE, update_inputs(street(), 17, 9) | change)
    assert failure is not None
    assert failure.constraint == constraint


@pytest.mark.parametrize("place", range(4))
def test_a_node_whose_children_leave_out_the_leaf_fails(place: int) -> None:
    """The children are hints: hash the leaf beside the path instead of at its place."""
    inputs = read_inputs(street(), place)
    failure = first_failing(READ, inputs, {f"level0/child{place}": 12345})
    assert failure is not None
    assert failure.constraint == "level0/own place"


@pytest.mark.parametrize("index", [0, 0xB1B1B1])
def test_every_value_of_an_update_is_bound(index: int) -> None:
    assert_every_value_is_bound(UPDATE, update_inputs(street(), index, 9))


def test_every_value_of_a_read_is_bound() -> None:
    assert_every_value_is_bound(READ, read_inputs(street(), 0xB1B1B1))
