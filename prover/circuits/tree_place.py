"""Invariant: an update changes one leaf, the one at its index in the tree it was given, or nothing.

Both trees are of one shape, so accounts and channels share this. A place may know the levels of a
window alone (protocol.windows): its `root` is then the window's node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.crypto.merkle import DEPTH, Siblings
from protocol.units import INDEX_BITS
from prover.circuits.conditions import enforce_zero_if
from prover.gadgets.bits import enforce_bits, uint_of_bits
from prover.gadgets.merkle import advise_siblings, siblings_inputs, updated_roots
from prover.gadgets.select import enforce_equal_if, select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint

NO_SIBLINGS: Siblings = ((0, 0, 0),) * DEPTH


@dataclass(frozen=True, slots=True)
class TreePlace:
    """Where in a tree: the index as a number and as bits; the siblings of the levels it walks."""

    index: Uint
    bits: Sequence[Bit]
    siblings: Sequence[Sequence[Lc]]

    @property
    def prefix(self) -> Uint:
        """The index without the bits that are walked."""
        return uint_of_bits(self.bits[2 * len(self.siblings) :])

    def update_if(self, b: Builder, active: Bit, root: Lc, old_leaf: Lc, new_leaf: Lc) -> Lc:
        """The root after the leaf here changed from old to new. 600 constraints a level, and 3.

        Where active is 1, `root` is that of a tree with old_leaf here; where it is 0, the index is
        0 and `root` itself is returned.
        """
        enforce_zero_if(b, Bit((1 - active).terms), self.index, label="inactive index")
        walked = self.bits[: 2 * len(self.siblings)]
        old_root, new_root = updated_roots(b, walked, old_leaf, new_leaf, self.siblings)
        enforce_equal_if(b, active, old_root, root, label="old leaf is in the tree")
        return select(b, active, new_root, root, label="root out")


def input_place(b: Builder, levels: int = DEPTH) -> TreePlace:
    """The inputs index and siblings. 25 constraints."""
    with b.scope("index"):
        bits = enforce_bits(b, b.input("value"), INDEX_BITS)
    return TreePlace(uint_of_bits(bits), bits, advise_siblings(b, levels=levels))


def place_inputs(scope: str, index: int = 0, siblings: Siblings = NO_SIBLINGS) -> dict[str, int]:
    """The inputs of `input_place`; the defaults are for an inactive one of all levels."""
    return {f"{scope}/index/value": index, **siblings_inputs(f"{scope}/siblings", siblings)}
