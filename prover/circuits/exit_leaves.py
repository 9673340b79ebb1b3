"""Invariant: a leaf that is left is taken apart into its fields in one way only.

Each packed lane is given as its fields, each in its range, so that it has no other reading. Alone
`deposits` and `balance` are lanes as they stand: the exit says them as a whole.

An account's address has a second reading: a RAISE looks at no account, so account a's lowest 128
bits are the domain there, which the first public input says.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.accounts import Account
from protocol.channels import Channel, Status, lane_paid_ntok, lane_wh
from protocol.crypto.poseidon import Tag
from protocol.units import (
    ADDRESS_BITS,
    AMOUNT_BITS,
    DOMAIN_BITS,
    LANE_PAID_BITS,
    LANE_WH_BITS,
    NONCE_BITS,
    TIME_BITS,
    TOTAL_WH_BITS,
    WINDOW_BITS,
)
from prover.circuits.account_leaf import AccountLanes
from prover.circuits.channel_leaf import LaneValue
from prover.circuits.conditions import enforce_zero_if
from prover.gadgets.bits import input_bit, input_uint, pack
from prover.gadgets.poseidon import hash2, hash4
from prover.gadgets.select import select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint


@dataclass(frozen=True, slots=True)
class LeftAccount:
    """An account's leaf, its owner lane taken apart: l1_address = low + high 2^128."""

    address_low: Uint
    address_high: Uint
    nonce: Uint
    lanes: AccountLanes

    @property
    def l1_address(self) -> Uint:
        """160 bits."""
        return pack(self.address_low, self.address_high)

    def enforce_unused_if(self, b: Builder, bit: Bit, *, low_too: bool) -> None:
        """All is 0 where bit is 1, address_low only if asked for. 4 constraints."""
        owner = self.lanes.owner if low_too else pack(self.address_high, self.nonce)
        lanes = (self.lanes.key_hash, owner, self.lanes.balance_ntok, self.lanes.totals)
        enforce_zero_if(b, bit, *lanes, label="unused")


def input_account(b: Builder) -> LeftAccount:
    """The inputs of a leaf. 192 constraints."""
    low = input_uint(b, "address_low", DOMAIN_BITS)
    high = input_uint(b, "address_high", ADDRESS_BITS - DOMAIN_BITS)
    nonce = input_uint(b, "nonce", NONCE_BITS)
    key_hash, balance, totals = (b.input(name) for name in ("key_hash", "balance", "totals"))
    return LeftAccount(
        low, high, nonce, AccountLanes(key_hash, pack(low, high, nonce), balance, totals)
    )


@dataclass(frozen=True, slots=True)
class LeftChannel:
    """A channel's leaf. closing is status - 1; deposits = deposit_a + deposit_b 2^64."""

    a_index: Uint
    b_index: Uint
    epoch: Uint
    window_s: Uint
    closing: Bit
    deadline: Uint
    deposits: Lc
    lane_ab: LaneValue
    lane_ba: LaneValue
    key_hash_a: Lc
    key_hash_b: Lc

    @property
    def id(self) -> Lc:
        """a + b 2^32 + epoch 2^64."""
        return Lc.total(((1, self.a_index), (1 << 32, self.b_index), (1 << 64, self.epoch)))

    @property
    def lanes(self) -> Uint:
        """lane_ab + lane_ba 2^96."""
        return pack(
            self.lane_ab.wh, self.lane_ab.paid_ntok, self.lane_ba.wh, self.lane_ba.paid_ntok
        )

    def key(self, b: Builder, side: Bit) -> Lc:
        """The pinned key of a side. 1 constraint."""
        return select(b, side, self.key_hash_b, self.key_hash_a, label="pinned key")

    def leaf_hash(self, b: Builder) -> Lc:
        """H4(TAG_CHANNEL; identity, deposits, lanes, H2(TAG_KEYS; keys)). 537 constraints."""
        identity = Lc.total(
            (
                (1, self.id),
                (1 << 96, self.window_s),
                (1 << 128, self.closing + int(Status.OPEN)),
                (1 << 136, self.deadline),
            )
        )
        keys = hash2(b, Tag.KEYS, self.key_hash_a, self.key_hash_b, label="keys hash")
        return hash4(b, Tag.CHANNEL, identity, self.deposits, self.lanes, keys, label="leaf")

    def enforce_unused_if(self, b: Builder, bit: Bit) -> None:
        """All but a_index is 0 where bit is 1. 5 constraints."""
        identity = pack(self.b_index, self.epoch, self.window_s, self.closing, self.deadline)
        rest = (self.deposits, self.lanes, self.key_hash_a, self.key_hash_b)
        enforce_zero_if(b, bit, identity, *rest, label="unused")


def input_channel(b: Builder, a_index: Uint, b_index: Uint) -> LeftChannel:
    """The inputs of a leaf between these accounts. 297 constraints."""
    return LeftChannel(
        a_index=a_index,
        b_index=b_index,
        epoch=input_uint(b, "epoch", NONCE_BITS),
        window_s=input_uint(b, "window", WINDOW_BITS),
        closing=input_bit(b, "closing"),
        deadline=input_uint(b, "deadline", TIME_BITS),
        deposits=b.input("deposits"),
        lane_ab=_input_lane(b, "lane_ab"),
        lane_ba=_input_lane(b, "lane_ba"),
        key_hash_a=b.input("key_hash_a"),
        key_hash_b=b.input("key_hash_b"),
    )


def _input_lane(b: Builder, name: str) -> LaneValue:
    with b.scope(name):
        return LaneValue(input_uint(b, "wh", LANE_WH_BITS), input_uint(b, "paid", LANE_PAID_BITS))


_NOBODY = Account(0, 0, 0, 0, 0, 0)
_NOTHING = Channel(0, 0, 0, 0, Status.OPEN, 0, 0, 0, 0, 0, 0, 0)


def account_inputs(scope: str, account: Account | None, *, domain: int = 0) -> dict[str, int]:
    """The inputs of `input_account`; None for an unused one, whose address is the domain."""
    leaf = account or _NOBODY
    address = leaf.l1_address if account else domain
    return {
        f"{scope}/address_low/value": address & ((1 << DOMAIN_BITS) - 1),
        f"{scope}/address_high/value": address >> DOMAIN_BITS,
        f"{scope}/nonce/value": leaf.nonce,
        f"{scope}/key_hash": leaf.key_hash,
        f"{scope}/balance": leaf.balance_ntok,
        f"{scope}/totals": leaf.sold_wh + (leaf.bought_wh << TOTAL_WH_BITS),
    }


def channel_inputs(scope: str, channel: Channel | None) -> dict[str, int]:
    """The inputs of `input_channel`; None for an unused one."""
    leaf = channel or _NOTHING
    inputs = {
        f"{scope}/epoch/value": leaf.epoch,
        f"{scope}/window/value": leaf.window_s,
        f"{scope}/closing": int(leaf.status is Status.CLOSING),
        f"{scope}/deadline/value": leaf.deadline,
        f"{scope}/deposits": leaf.deposit_a_ntok + (leaf.deposit_b_ntok << AMOUNT_BITS),
        f"{scope}/key_hash_a": leaf.key_hash_a,
        f"{scope}/key_hash_b": leaf.key_hash_b,
    }
    for name, value in (("lane_ab", leaf.lane_ab), ("lane_ba", leaf.lane_ba)):
        inputs[f"{scope}/{name}/wh/value"] = lane_wh(value)
        inputs[f"{scope}/{name}/paid/value"] = lane_paid_ntok(value)
    return inputs
