"""Why a bid was not cleared: every bid is in a trade, or left out with one of these."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Its value is what stands in a clearing's `left_out`."""

    EMPTY = "nothing to trade in this interval"
    BOTH_SIDES = "its home stands on the other side too, with as much or more"
    NO_ROOM = "with the fees, no price lies between what the grid pays and what it takes"
    LIMIT = "the price is beyond its limit"
    NO_GREEN = "no green energy was left within its limit"
    NOTHING_LEFT = "nothing was left for it within its limit"
