"""What a transaction offers for its gas, how much more replaces it, and the most that it may offer.

A node drops a pending transaction for another of the same nonce only where that one offers enough
more of every fee. All amounts are in wei a gas. Ref: EIP-1559, EIP-4844; the pools of geth, reth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.l1_errors import FeesAboveLimit

GWEI = 10**9
TIP_WEI = GWEI
BLOB_FEE_FLOOR_WEI = GWEI
"""Nobody pays more than a block's own price; below this a cap saves nothing and may be outbid."""
REPLACEMENT_EIGHTHS, BLOB_REPLACEMENT_EIGHTHS = 9, 16
"""A replacement offers 9/8 of every fee (12.5 % more; nodes ask for 10 %), or 16/8 where either of
the two carries a blob."""


@dataclass(frozen=True, slots=True)
class Fees:
    """The most that a transaction pays: a gas (all of it, and to the proposer), and a blob gas."""

    max_fee_wei: int
    tip_wei: int
    max_blob_fee_wei: int = 0

    def raised_over(self, replaced: Fees) -> Fees:
        """These, or what is needed to replace a transaction that offers `replaced`."""
        blob = self.max_blob_fee_wei or replaced.max_blob_fee_wei
        eighths = BLOB_REPLACEMENT_EIGHTHS if blob else REPLACEMENT_EIGHTHS
        return Fees(
            max(self.max_fee_wei, _eighths_of(replaced.max_fee_wei, eighths)),
            max(self.tip_wei, _eighths_of(replaced.tip_wei, eighths)),
            max(self.max_blob_fee_wei, _eighths_of(replaced.max_blob_fee_wei, eighths)),
        )

    def is_well_below(self, other: Fees) -> bool:
        """Whether an eighth of what `other` offers, for gas or for blob gas, is saved, and neither
        costs more."""
        pairs = (
            (self.max_fee_wei, other.max_fee_wei),
            (self.max_blob_fee_wei, other.max_blob_fee_wei),
        )
        return all(ours <= theirs for ours, theirs in pairs) and any(
            8 * ours < 7 * theirs for ours, theirs in pairs
        )

    def capped(self, most: Fees, needed: Fees) -> Fees:
        """These, none above `most`. Raises FeesAboveLimit where less than `needed` is left."""
        for what, need_wei, most_wei in (
            ("gas", needed.max_fee_wei, most.max_fee_wei),
            ("tip", needed.tip_wei, most.tip_wei),
            ("blob gas", needed.max_blob_fee_wei, most.max_blob_fee_wei),
        ):
            if need_wei > most_wei:
                raise FeesAboveLimit(what, need_wei, most_wei)
        return Fees(
            min(self.max_fee_wei, most.max_fee_wei),
            min(self.tip_wei, most.tip_wei),
            min(self.max_blob_fee_wei, most.max_blob_fee_wei),
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """What the newest block asks: a gas, and a blob gas (0 where it was not looked at)."""

    base_fee_wei: int
    blob_base_fee_wei: int = 0

    def are_above(self, fees: Fees) -> bool:
        """Whether a transaction with these fees gets into no block at these prices."""
        if fees.max_fee_wei < self.base_fee_wei:
            return True
        return bool(fees.max_blob_fee_wei) and fees.max_blob_fee_wei < self.blob_base_fee_wei

    def fees(
        self, tip_wei: int, *, has_blob: bool, replaced: Fees | None, most: Fees | None
    ) -> Fees:
        """What to offer: twice these prices, enough for several full blocks to come.

        `replaced`: of another transaction of the nonce. Raises FeesAboveLimit where even the
        prices as they are, or the replacement, need more than `most`.
        """
        blob_wei = max(BLOB_FEE_FLOOR_WEI, 2 * self.blob_base_fee_wei) if has_blob else 0
        wanted = Fees(2 * self.base_fee_wei + tip_wei, tip_wei, blob_wei)
        needed = Fees(
            self.base_fee_wei + tip_wei, tip_wei, self.blob_base_fee_wei if has_blob else 0
        )
        if replaced is not None:
            wanted, needed = wanted.raised_over(replaced), needed.raised_over(replaced)
        offered = wanted if most is None else wanted.capped(most, needed)
        return offered if has_blob else replace(offered, max_blob_fee_wei=0)


def highest(offered: Sequence[Fees]) -> Fees | None:
    """The most that any of several transactions offers; None where there is none."""
    if not offered:
        return None
    return Fees(
        max(one.max_fee_wei for one in offered),
        max(one.tip_wei for one in offered),
        max(one.max_blob_fee_wei for one in offered),
    )


def _eighths_of(wei: int, eighths: int) -> int:
    return -(-wei * eighths // 8)
