"""Merkle trees over SHA-256: one root for a list of 32-byte leaves, a short path for one of them.

Leaves and inner nodes are hashed under tags of their own, and a list of n leaves splits at the
largest power of two below n, so no leaf is ever counted twice. Ref: RFC 9162 section 2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_LEAF, _NODE = b"\x00", b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """The lowest node over a leaf."""
    return hashlib.sha256(_LEAF + leaf).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves in their order."""
    return _levels(leaves)[-1][0] if leaves else EMPTY_ROOT


def path_to(leaves: Sequence[bytes], place: int) -> tuple[bytes, ...]:
    """The nodes beside the way from the leaf at `place` up to the root, lowest first."""
    path = []
    for level in _levels(leaves)[:-1]:
        beside = place ^ 1
        if beside < len(level):
            path.append(level[beside])
        place //= 2
    return tuple(path)


def root_from(leaf: bytes, place: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a path from a leaf at `place` of `count` leads to; None if it is no such path.

    Ref: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= place < count:
        return None
    node, at, last = leaf_hash(leaf), place, count - 1
    for beside in path:
        if last == 0:
            return None
        if at % 2 or at == last:
            node = hashlib.sha256(_NODE + beside + node).digest()
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            node = hashlib.sha256(_NODE + node + beside).digest()
        at, last = at // 2, last // 2
    return node if last == 0 else None


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All nodes, lowest first; the last one of an odd level stands in the next one as it is."""
    levels = [[leaf_hash(leaf) for leaf in leaves]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        level = [
            hashlib.sha256(_NODE + below[place] + below[place + 1]).digest()
            for place in range(0, len(below) - 1, 2)
        ]
        levels.append(level + below[2 * len(level) :])
    return levels
