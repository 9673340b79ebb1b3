"""Which nonce a batch's transaction takes, and whether one that was signed can still land.

The operator's key is meant for one sequencer alone. Where it is used elsewhere too, or a node loses
what it was given, nonces are taken or missing; each case is told apart here. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Place(Enum):
    """Where a signed transaction that is in no block stands among the operator's nonces."""

    NEXT = auto()
    """It is the next one to get into a block."""
    BEHIND = auto()
    """Others of the account, which the node has, come first."""
    AFTER_GAP = auto()
    """A nonce before its own is missing: no node puts it into a block."""
    OVERTAKEN = auto()
    """Another transaction used its nonce: it never lands."""


@dataclass(frozen=True, slots=True)
class Nonces:
    """The operator's, as a node has them. `used`: how many are in blocks, so the next to be used;
    `pending`: the next one after those that the node's pool goes on with without a gap.
    """

    used: int
    pending: int

    def place(self, nonce: int) -> Place:
        """Of a transaction without a receipt that was looked for after the nonces."""
        if nonce < self.used:
            return Place.OVERTAKEN
        if nonce == self.used:
            return Place.NEXT
        return Place.BEHIND if nonce <= self.pending else Place.AFTER_GAP

    def next_for_batch(self, waits_at_used: bool) -> int:
        """The lowest nonce with which a batch gets into a block.

        `waits_at_used`: whether one of ours waits with the nonce `used`. Then it is replaced;
        whatever else is pending is left alone, and comes first.
        """
        return self.used if waits_at_used else max(self.used, self.pending)
