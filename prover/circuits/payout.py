"""Invariant: what a channel's end gives to A and B is never negative and adds up to both deposits.

bal_b = clamp(deposit_b + paid_ab - paid_ba, 0, total), bal_a = total - bal_b, as in
protocol.channels. Turned around, deposit_a + paid_ba - paid_ab = total - (the unclamped bal_b) is
negative exactly where that exceeds the total.
"""

from __future__ import annotations

from prover.gadgets.compare import is_less, sum_of
from prover.gadgets.select import masked, select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Lc, Uint


def payout(
    b: Builder, deposit_a_ntok: Uint, deposit_b_ntok: Uint, paid_ab_ntok: Uint, paid_ba_ntok: Uint
) -> tuple[Lc, Lc]:
    """(A's, B's) share. 134 constraints."""
    with b.scope("payout"):
        total = sum_of(deposit_a_ntok, deposit_b_ntok)
        has_b, has_a = sum_of(deposit_b_ntok, paid_ab_ntok), sum_of(deposit_a_ntok, paid_ba_ntok)
        b_owes = is_less(b, has_b, paid_ba_ntok, label="b has less than it paid")
        a_owes = is_less(b, has_a, paid_ab_ntok, label="a has less than it paid")
        b_ntok = masked(b, ~b_owes, has_b - paid_ba_ntok, label="at least 0")
        b_ntok = select(b, a_owes, total, b_ntok, label="at most all")
    return total - b_ntok, b_ntok
