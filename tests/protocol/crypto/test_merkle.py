"""4-ary trees of depth 12: leaves alone make the root, and a path leads to it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.crypto.field import R
from protocol.crypto.merkle import ARITY, DEPTH, EMPTY, MerkleTree, node, root_of_path
from protocol.crypto.poseidon import Tag, h4
from protocol.errors import OutOfRange

LAST = ARITY**DEPTH - 1
indices = st.one_of(st.sampled_from([0, 1, 3, 4, LAST - 1, LAST]), st.integers(0, LAST))
leaves = st.dictionaries(indices, st.integers(1, R - 1), max_size=6)


def test_an_empty_tree_folds_zeros() -> None:
    here = 0
    for height in range(DEPTH + 1):
        assert EMPTY[height] == here
        here = h4(Tag.NODE, here, here, here, here)
    assert MerkleTree().root == EMPTY[DEPTH]
    assert ARITY**DEPTH == 2**24


@settings(max_examples=20, deadline=None)
@given(leaves, st.randoms(use_true_random=False))
def test_the_root_depends_on_the_leaves_alone(table: dict[int, int], rng: random.Random) -> None:
    one, other = MerkleTree(), MerkleTree()
    for index, leaf in table.items():
        one.set(index, leaf)
    shuffled = list(table.items())
    rng.shuffle(shuffled)
    for index, leaf in shuffled:
        other.set(index, leaf ^ 1)
        other.set(index, leaf)
    assert one.root == other.root
    for index, leaf in table.items():
        assert one.leaf(index) == leaf
        assert root_of_path(index, leaf, one.path(index)) == one.root


@settings(max_examples=20, deadline=None)
@given(leaves, indices)
def test_emptying_what_was_written_leaves_nothing_behind(table: dict[int, int], index: int) -> None:
    tree = MerkleTree()
    for place, leaf in table.items():
        tree.set(place, leaf)
    before, nodes = tree.root, dict(tree._nodes)
    old = tree.leaf(index)
    tree.set(index, 123)
    tree.set(index, old)
    assert (tree.root, tree._nodes) == (before, nodes)


def test_siblings_that_set_returns_serve_the_old_leaf_and_the_new() -> None:
    tree = MerkleTree()
    tree.set(5, 55)
    old_root = tree.root
    siblings = tree.set(6, 66)
    assert siblings == tree.path(6)
    assert root_of_path(6, 0, siblings) == old_root
    assert root_of_path(6, 66, siblings) == tree.root


@pytest.mark.parametrize("place", range(4))
def test_a_node_puts_its_child_where_the_index_says(place: int) -> None:
    children = [11, 12, 13, 14]
    a, b, c = children[:place] + children[place + 1 :]
    assert node(children[place], place, (a, b, c)) == h4(Tag.NODE, 11, 12, 13, 14)


def test_another_index_leaf_or_sibling_gives_another_root() -> None:
    tree = MerkleTree()
    tree.set(9, 99)
    path = tree.path(9)
    assert root_of_path(8, 99, path) != tree.root
    assert root_of_path(9, 98, path) != tree.root
    a, b, c = path[4]
    assert root_of_path(9, 99, (*path[:4], (a, c, b + 1), *path[5:])) != tree.root


@pytest.mark.parametrize("index", [-1, LAST + 1, True, 1.0])
def test_an_index_outside_24_bits_is_refused_everywhere(index: int) -> None:
    tree = MerkleTree()
    for use in (
        lambda: tree.path(index),
        lambda: tree.leaf(index),
        lambda: tree.set(index, 1),
        lambda: root_of_path(index, 1, tree.path(0)),
    ):
        with pytest.raises(OutOfRange):
            use()


def test_a_copy_is_independent() -> None:
    tree = MerkleTree()
    tree.set(1, 2)
    twin = tree.copy()
    twin.set(1, 3)
    assert tree.leaf(1) == 2
    assert tree.root != twin.root
