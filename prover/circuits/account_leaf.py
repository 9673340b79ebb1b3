"""Invariant: what is said about an account's leaf is what the tree holds, and what is written fits.

A leaf is a hash of four lanes: key hash; owner = l1_address + nonce 2^160; balance;
totals = sold + bought 2^96. Every leaf in a tree was written by these circuits with each field in
its range, and hashing is injective for all practical purposes, so a lane given here for a leaf
in the tree *is* that leaf's lane. What has to be proved is only how a lane splits:
- balance: alone in its lane, so below 2^64 already.
- l1_address and nonce: ranged, where anybody looks inside (`input_signer`).
- sold and bought: sold is ranged, and so are both new totals. As bought = new bought - growth is
  then no smaller than -2^40, sold + bought 2^96 takes every value once and bought needs no range.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.accounts import Account
from protocol.crypto.poseidon import Tag
from protocol.units import ADDRESS_BITS, AMOUNT_BITS, NONCE_BITS, TOTAL_WH_BITS
from prover.circuits.conditions import enforce_zero_if
from prover.gadgets.bits import enforce_uint, input_uint
from prover.gadgets.poseidon import hash4
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint


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


@dataclass(frozen=True, slots=True)
class AccountFields:
    """A leaf with its totals split; l1_address and nonce as far as they are."""

    key_hash: Lc
    owner: Lc
    balance_ntok: Lc
    sold_wh: Uint
    bought_wh: Lc

    @property
    def lanes(self) -> AccountLanes:
        """The leaf's lanes."""
        totals = self.sold_wh + (self.bought_wh * (1 << TOTAL_WH_BITS))
        return AccountLanes(self.key_hash, self.owner, self.balance_ntok, totals)

    def changed(
        self, b: Builder, *, nonce: Lc | int, gained_ntok: Lc, sold_wh: Lc, bought_wh: Lc
    ) -> AccountLanes:
        """The lanes after these were added; the nonce's room is the caller's. 256 constraints.

        gained_ntok may be negative; the balance must stay in 0 .. 2^64 - 1, the totals below 2^96.
        """
        with b.scope("new balance"):
            balance = enforce_uint(b, self.balance_ntok + gained_ntok, AMOUNT_BITS)
        with b.scope("new sold"):
            sold = enforce_uint(b, self.sold_wh + sold_wh, TOTAL_WH_BITS)
        with b.scope("new bought"):
            bought = enforce_uint(b, self.bought_wh + bought_wh, TOTAL_WH_BITS)
        owner = self.owner + Lc.of(nonce) * (1 << ADDRESS_BITS)
        totals = sold + bought * (1 << TOTAL_WH_BITS)
        return AccountLanes(self.key_hash, owner, balance, totals)


@dataclass(frozen=True, slots=True)
class Signer:
    """An account of which address and nonce are needed too."""

    fields: AccountFields
    l1_address: Uint
    nonce: Uint


def input_lanes(b: Builder) -> AccountLanes:
    """The inputs of a leaf of which only the balance changes. No constraint."""
    return AccountLanes(*(b.input(name) for name in ("key_hash", "owner", "balance", "totals")))


def input_fields(b: Builder) -> AccountFields:
    """The inputs of a leaf whose totals may grow. 96 constraints."""
    return AccountFields(
        key_hash=b.input("key_hash"),
        owner=b.input("owner"),
        balance_ntok=b.input("balance"),
        sold_wh=input_uint(b, "sold", TOTAL_WH_BITS),
        bought_wh=b.input("bought"),
    )


def input_signer(b: Builder) -> Signer:
    """The inputs of a leaf that may sign. 288 constraints."""
    l1_address = input_uint(b, "l1_address", ADDRESS_BITS)
    nonce = input_uint(b, "nonce", NONCE_BITS)
    fields = AccountFields(
        key_hash=b.input("key_hash"),
        owner=l1_address + nonce * (1 << ADDRESS_BITS),
        balance_ntok=b.input("balance"),
        sold_wh=input_uint(b, "sold", TOTAL_WH_BITS),
        bought_wh=b.input("bought"),
    )
    return Signer(fields, l1_address, nonce)


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


def fields_inputs(scope: str, account: Account | None) -> dict[str, int]:
    """The inputs of `input_fields`."""
    leaf = account or _NOBODY
    return {
        f"{scope}/key_hash": leaf.key_hash,
        f"{scope}/owner": leaf.l1_address + (leaf.nonce << ADDRESS_BITS),
        f"{scope}/balance": leaf.balance_ntok,
        f"{scope}/sold/value": leaf.sold_wh,
        f"{scope}/bought": leaf.bought_wh,
    }


def signer_inputs(scope: str, account: Account | None) -> dict[str, int]:
    """The inputs of `input_signer`."""
    leaf = account or _NOBODY
    return {
        f"{scope}/l1_address/value": leaf.l1_address,
        f"{scope}/nonce/value": leaf.nonce,
        f"{scope}/key_hash": leaf.key_hash,
        f"{scope}/balance": leaf.balance_ntok,
        f"{scope}/sold/value": leaf.sold_wh,
        f"{scope}/bought": leaf.bought_wh,
    }
