"""Invariant: a root is computed from the leaf given here, at the index whose bits are given here.

Trees are 4-ary, as in protocol.crypto.merkle; a path has as many levels as it is given siblings
for, so a subtree is a tree too. The siblings are advice: from them the tape computes each node's
four children, which are wires that the hash of the node binds. The old and the new path share
index bits and siblings, so an update changes this one leaf and no other.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocol.crypto.merkle import ARITY, DEPTH, Siblings
from protocol.crypto.poseidon import Tag
from prover.gadgets.poseidon import hash4
from prover.gadgets.select import select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc

INDEX_BITS = 2 * DEPTH


def advise_siblings(b: Builder, name: str = "siblings", *, levels: int = DEPTH) -> list[list[Lc]]:
    """Advice name/level/place for `siblings_inputs`: 3 a level, no constraint."""
    return [
        [b.advice(f"{name}/{level}/{place}") for place in range(ARITY - 1)]
        for level in range(levels)
    ]


def siblings_inputs(prefix: str, siblings: Siblings) -> dict[str, int]:
    """The inputs for `advise_siblings`; prefix is its scope and name, such as "a/siblings"."""
    return {
        f"{prefix}/{level}/{place}": value
        for level, triple in enumerate(siblings)
        for place, value in enumerate(triple)
    }


def root_of_path(
    b: Builder, index: Sequence[Bit], leaf: Lc, siblings: Sequence[Sequence[Lc]]
) -> Lc:
    """The root of a tree with `leaf` at the index (2 bits a level, lowest first).

    300 constraints a level, 3,600 for 12.
    """
    here = leaf
    for level, low, high in _levels(index, siblings):
        with b.scope(f"level{level}"):
            children = _children(b, low, high, here, siblings[level])
            here = _node(b, children, "node")
    return here


def updated_roots(
    b: Builder, index: Sequence[Bit], old_leaf: Lc, new_leaf: Lc, siblings: Sequence[Sequence[Lc]]
) -> tuple[Lc, Lc]:
    """The roots before and after old_leaf gives place to new_leaf.

    600 constraints a level, 7,200 for 12.
    """
    old, new = old_leaf, new_leaf
    for level, low, high in _levels(index, siblings):
        with b.scope(f"level{level}"):
            children = _children(b, low, high, old, siblings[level])
            change = new - old
            if_low = b.mul(change, low, label="change if low")
            if_high = b.mul(change, high, label="change if high")
            at3 = b.mul(if_low, high, label="change at 3")
            changes = (change - if_low - if_high + at3, if_low - at3, if_high - at3, at3)
            changed = [c + d for c, d in zip(children, changes, strict=True)]
            old = _node(b, children, "old node")
            new = _node(b, changed, "new node")
    return old, new


def _levels(index: Sequence[Bit], siblings: Sequence[Sequence[Lc]]) -> list[tuple[int, Bit, Bit]]:
    if len(index) != 2 * len(siblings):
        raise ValueError(f"{len(siblings)} levels have 2 index bits each, not {len(index)}")
    return [(level, index[2 * level], index[2 * level + 1]) for level in range(len(siblings))]


def _node(b: Builder, children: Sequence[Lc], label: str) -> Lc:
    c0, c1, c2, c3 = children
    return hash4(b, Tag.NODE, c0, c1, c2, c3, label=label)


def _children(b: Builder, low: Bit, high: Bit, here: Lc, siblings: Sequence[Lc]) -> list[Lc]:
    """Four children, free but for child[low + 2 high] = here. 3 constraints."""
    s0, s1, s2 = siblings
    at3 = b.temp_product(low, high)
    at0, at1, at2 = 1 - low - high + at3, low - at3, high - at3
    c0 = b.hint_product(at0, here - s0, s0, label="child0")
    c1 = b.hint_product(at0, s0 - s1, b.temp_product(at1, here - s1, s1), label="child1")
    c2 = b.hint_product(at3, s2 - s1, b.temp_product(at2, here - s1, s1), label="child2")
    c3 = b.hint_product(at3, here - s2, s2, label="child3")
    upper = select(b, low, c3, c2, label="own place upper")
    lower = select(b, low, c1, c0, label="own place lower")
    b.enforce_product(upper - lower, high, here - lower, label="own place")
    return [c0, c1, c2, c3]
