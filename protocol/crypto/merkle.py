"""4-ary Merkle trees of depth 12: every leaf has one place, and an unused place holds 0.

node = H4(TAG_NODE; c0, c1, c2, c3). A path is 12 triples of siblings, from the leaf upward, each
in child order with the node's own place left out. Ref: docs/protocol.md section 2.
"""

from __future__ import annotations

from protocol.crypto.poseidon import Tag, h4
from protocol.units import INDEX_BITS, check_range

DEPTH = 12
ARITY = 4
EMPTY_LEAF = 0

Siblings = tuple[tuple[int, int, int], ...]


def _empty_nodes() -> tuple[int, ...]:
    nodes = [EMPTY_LEAF]
    for _ in range(DEPTH):
        nodes.append(h4(Tag.NODE, *(nodes[-1],) * 4))
    return tuple(nodes)


EMPTY = _empty_nodes()
"""EMPTY[k] is the root of an empty subtree of height k."""


def node(child: int, place: int, siblings: tuple[int, int, int]) -> int:
    """The parent of `child`, which stands at `place` (0..3) among its siblings."""
    children = [*siblings[:place], child, *siblings[place:]]
    return h4(Tag.NODE, children[0], children[1], children[2], children[3])


def root_of_path(index: int, leaf: int, siblings: Siblings) -> int:
    """The root that a leaf at `index` has with these siblings."""
    check_range("leaf index", index, INDEX_BITS)
    here = leaf
    for level in range(DEPTH):
        here = node(here, index >> 2 * level & 3, siblings[level])
    return here


class MerkleTree:
    """A sparse tree held in a dict of its non-empty nodes."""

    __slots__ = ("_nodes",)

    def __init__(self) -> None:
        self._nodes: dict[tuple[int, int], int] = {}

    def copy(self) -> MerkleTree:
        """An independent copy."""
        twin = MerkleTree()
        twin._nodes = dict(self._nodes)
        return twin

    def node(self, height: int, place: int) -> int:
        """The root of the subtree of this height that is the place-th from the left."""
        return self._nodes.get((height, place), EMPTY[height])

    @property
    def root(self) -> int:
        """The root's hash."""
        return self.node(DEPTH, 0)

    def leaf(self, index: int) -> int:
        """The leaf's hash, 0 if empty."""
        return self.node(0, check_range("leaf index", index, INDEX_BITS))

    def path(self, index: int) -> Siblings:
        """The siblings of the leaf at `index`."""
        check_range("leaf index", index, INDEX_BITS)
        path = []
        for height in range(DEPTH):
            place = index >> 2 * height
            first = place & ~3
            a, b, c = (self.node(height, first + k) for k in range(ARITY) if first + k != place)
            path.append((a, b, c))
        return tuple(path)

    def set(self, index: int, leaf: int) -> Siblings:
        """Write a leaf hash and return the siblings that its path has."""
        siblings = self.path(index)
        here = leaf
        self._put(0, index, here)
        for height in range(DEPTH):
            here = node(here, index >> 2 * height & 3, siblings[height])
            self._put(height + 1, index >> 2 * (height + 1), here)
        return siblings

    def _put(self, height: int, place: int, hashed: int) -> None:
        if hashed == EMPTY[height]:
            self._nodes.pop((height, place), None)
        else:
            self._nodes[(height, place)] = hashed
