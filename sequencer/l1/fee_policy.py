"""What the operator is willing to offer L1."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.fees import Fees


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """`most`: what a transaction may offer at most (None: anything). `bump_after_s`: one that is in
    no block after so long offers more, whatever the market says."""

    most: Fees | None = None
    bump_after_s: float = 180.0
