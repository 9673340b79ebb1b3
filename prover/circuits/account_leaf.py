"""Invariant: what is said about an account's leaf is what the tree holds, and what is written fits.

A leaf is a hash of four lanes: key hash; owner = l1_address + nonce 2^160; balance;
totals = sold + bought 2^96. Every leaf in a tree was written by these circuits with each field in
its range, and hashing is injective for all practical purposes, so a lane given here for a leaf
in the tree *is* that leaf's lane. What remains to be proved is that what is added fits:
- balance: alone in its lane, so below 2^64 already, and ranged after every change.
- owner: split where anybody looks inside (user_inputs); adding 1 to a nonce that is not 2^32 - 1
  fits.
- sold and bought: nothing looks inside, and nothing that is ever added overflows. Both grow at a
  CLOSE only, by less than 2^40; each CLOSE ends another channel, and each OPEN has used up another
  nonce of one of 2^24 accounts. So either total stays below 2^40 * 2^24 * 2^32 = 2^96.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.accounts import Account
from protocol.crypto.poseidon import Tag
from protocol.units import ADDRESS_BITS, AMOUNT_BITS, TOTAL_WH_BITS
from prover.circuits.conditions import enforce_zero_if
from prover.gadgets.bits import enforce_uint
from prover.gadgets.poseidon import hash4
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc


@dataclass(frozen=True, slots=True)
class AccountLanes:
    """The four lanes of a leaf."""

    key_hash: Lc
    owner: Lc
    balance_ntok: Lc
    totals: Lc

    def leaf_hash(self, b: Builder, label: str) -> Lc:
        """H4(TAG_ACCOUNT; lanes). 297 constraints."""
        lanes = (self.key_hash, self.owner, self.balance_ntok, self.totals)
        return hash4(b, Tag.ACCOUNT, *lanes, label=label)

    def enforce_blank_if(self, b: Builder, bit: Bit, label: str) -> None:
        """All lanes are 0 where bit is 1. 4 constraints."""
        lanes = (self.key_hash, self.owner, self.balance_ntok, self.totals)
        enforce_zero_if(b, bit, *lanes, label=label)

    def changed(
        self, b: Builder, *, nonce: Lc | int, gained_ntok: Lc, sold_wh: Lc, bought_wh: Lc
    ) -> AccountLanes:
        """The lanes after these were added; the nonce's room is the caller's. 64 constraints.

        gained_ntok may be negative; the balance must stay in 0 .. 2^64 - 1.
        """
        with b.scope("new balance"):
            balance = enforce_uint(b, self.balance_ntok + gained_ntok, AMOUNT_BITS)
        return AccountLanes(
            self.key_hash,
            self.owner + Lc.of(nonce) * (1 << ADDRESS_BITS),
            balance,
            self.totals + sold_wh + bought_wh * (1 << TOTAL_WH_BITS),
        )


def input_lanes(b: Builder) -> AccountLanes:
    """The inputs of a leaf. No constraint."""
    return AccountLanes(*(b.input(name) for name in ("key_hash", "owner", "balance", "totals")))


_NOBODY = Account(0, 0, 0, 0, 0, 0)


def lanes_inputs(scope: str, account: Account | None) -> dict[str, int]:
    """The inputs of `input_lanes`; None for an empty place."""
    leaf = account or _NOBODY
    return {
        f"{scope}/key_hash": leaf.key_hash,
        f"{scope}/owner": leaf.l1_address + (leaf.nonce << ADDRESS_BITS),
        f"{scope}/balance": leaf.balance_ntok,
        f"{scope}/totals": leaf.sold_wh + (leaf.bought_wh << TOTAL_WH_BITS),
    }
