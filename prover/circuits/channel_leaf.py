"""Invariant: what is said about a channel's leaf is what the tree holds, and what is written fits.

A leaf is a hash of four lanes: identity = a + b 2^32 + epoch 2^64 + window 2^96 + status 2^128
+ deadline 2^136; deposit_a + deposit_b 2^64; lane_ab + lane_ba 2^96; the hash of the pinned keys.
As for accounts (account_leaf), a lane given here for a leaf in the tree *is* that leaf's lane.
Of a pair low + high 2^n, low is ranged, and where anybody looks inside so are what both grow by and
what both become; as high = new high - growth is then above -2^n, the pair takes every value once:
high needs no range. OPEN lets in windows of 1 to 30 days only, so every leaf has one, and a window
is its 22 bits above the shortest.

OPEN takes its place among the others like this: the fields given are a channel with both deposits
and lanes 0, which then grows; the tree holds 0 before, and the grown channel after.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.channels import Channel, Status
from protocol.crypto.field import R
from protocol.crypto.poseidon import Tag
from protocol.units import (
    AMOUNT_BITS,
    INDEX_BITS,
    LANE_BITS,
    LANE_WH_BITS,
    MAX_WINDOW_S,
    MIN_WINDOW_S,
    NONCE_BITS,
    TIME_BITS,
    WINDOW_BITS,
)
from prover.circuits.conditions import enforce_zero_if
from prover.gadgets.bits import enforce_uint, input_bit, input_uint
from prover.gadgets.poseidon import hash2, hash4
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint


@dataclass(frozen=True, slots=True)
class LaneValue:
    """A lane's value, wh + paid 2^40."""

    wh: Uint
    paid_ntok: Uint

    @property
    def value(self) -> Lc:
        """The 96-bit integer that lanes are compared by."""
        return self.wh + self.paid_ntok * (1 << LANE_WH_BITS)


@dataclass(frozen=True, slots=True)
class ChannelFields:
    """A leaf. closing is status - 1."""

    a_index: Uint
    b_index: Uint
    epoch: Uint
    window_s: Uint
    closing: Bit
    deadline: Uint
    deposit_a_ntok: Uint
    deposit_b_ntok: Lc
    lane_ab: Uint
    lane_ba: Lc
    key_hash_a: Lc
    key_hash_b: Lc

    @property
    def id(self) -> Lc:
        """a + b 2^32 + epoch 2^64."""
        return Lc.total(((1, self.a_index), (1 << 32, self.b_index), (1 << 64, self.epoch)))

    @property
    def deposits(self) -> Lc:
        """deposit_a + deposit_b 2^64."""
        return self.deposit_a_ntok + self.deposit_b_ntok * (1 << AMOUNT_BITS)

    @property
    def lanes(self) -> Lc:
        """lane_ab + lane_ba 2^96."""
        return self.lane_ab + self.lane_ba * (1 << LANE_BITS)

    def key(self, b: Builder, side: Bit) -> Lc:
        """The pinned key of a side. 1 constraint."""
        change = self.key_hash_b - self.key_hash_a
        return b.mul(change, side, self.key_hash_a, label="pinned key of the side")

    def keys_hash(self, b: Builder) -> Lc:
        """H2(TAG_KEYS; both keys). 240 constraints."""
        return hash2(b, Tag.KEYS, self.key_hash_a, self.key_hash_b, label="keys hash")

    def leaf_hash(self, b: Builder, keys_hash: Lc, label: str) -> Lc:
        """H4(TAG_CHANNEL; lanes). 297 constraints."""
        identity = Lc.total(
            (
                (1, self.id),
                (1 << 96, self.window_s),
                (1 << 128, self.closing + int(Status.OPEN)),
                (1 << 136, self.deadline),
            )
        )
        lanes = (identity, self.deposits, self.lanes, keys_hash)
        return hash4(b, Tag.CHANNEL, *lanes, label=label)

    def enforce_fresh_if(self, b: Builder, bit: Bit) -> None:
        """Open, no deadline, nothing in deposits and lanes, where bit is 1. 3 constraints."""
        status = self.closing + 2 * self.deadline
        enforce_zero_if(b, bit, status, self.deposits, self.lanes, label="fresh")

    def enforce_nameless_if(self, b: Builder, bit: Bit) -> None:
        """Nobody's, where bit is 1. 3 constraints."""
        identity = self.id + self.window_s * (1 << 96)
        enforce_zero_if(b, bit, identity, self.key_hash_a, self.key_hash_b, label="nameless")

    def changed(
        self,
        b: Builder,
        *,
        closing: Lc,
        deadline: Lc,
        added_a_ntok: Lc,
        added_b_ntok: Lc,
        grown_ab: Lc,
        grown_ba: Lc,
    ) -> ChannelFields:
        """The leaf with these deposits and lanes added, and the deadline put in. 168 constraints.

        closing must be a bit, both deposits below 2^64; both lanes must fit as they become.
        """
        with b.scope("new deadline"):
            new_deadline = enforce_uint(b, deadline, TIME_BITS)
        with b.scope("new deposit a"):
            deposit_a = enforce_uint(b, self.deposit_a_ntok + added_a_ntok, AMOUNT_BITS)
        with b.scope("new deposit b"):
            deposit_b = enforce_uint(b, self.deposit_b_ntok + added_b_ntok, AMOUNT_BITS)
        return ChannelFields(
            a_index=self.a_index,
            b_index=self.b_index,
            epoch=self.epoch,
            window_s=self.window_s,
            closing=Bit(closing.terms),
            deadline=new_deadline,
            deposit_a_ntok=deposit_a,
            deposit_b_ntok=deposit_b,
            lane_ab=Uint((self.lane_ab + grown_ab).terms, LANE_BITS),
            lane_ba=self.lane_ba + grown_ba,
            key_hash_a=self.key_hash_a,
            key_hash_b=self.key_hash_b,
        )


def input_channel(b: Builder, active: Bit) -> ChannelFields:
    """The inputs of a leaf; the window is that of one if active. 325 constraints."""
    above = input_uint(b, "window", _SPAN_BITS)
    with b.scope("window is short enough"):
        enforce_uint(b, (MAX_WINDOW_S - MIN_WINDOW_S) * active - above, _SPAN_BITS)
    return ChannelFields(
        a_index=input_uint(b, "a_index", INDEX_BITS),
        b_index=input_uint(b, "b_index", INDEX_BITS),
        epoch=input_uint(b, "epoch", NONCE_BITS),
        window_s=Uint((above + MIN_WINDOW_S * active).terms, WINDOW_BITS),
        closing=input_bit(b, "closing"),
        deadline=input_uint(b, "deadline", TIME_BITS),
        deposit_a_ntok=input_uint(b, "deposit_a", AMOUNT_BITS),
        deposit_b_ntok=b.input("deposit_b"),
        lane_ab=input_uint(b, "lane_ab", LANE_BITS),
        lane_ba=b.input("lane_ba"),
        key_hash_a=b.input("key_hash_a"),
        key_hash_b=b.input("key_hash_b"),
    )


_SPAN_BITS = (MAX_WINDOW_S - MIN_WINDOW_S).bit_length()
_NOTHING = Channel(0, 0, 0, 0, Status.OPEN, 0, 0, 0, 0, 0, 0, 0)


def channel_inputs(scope: str, channel: Channel | None) -> dict[str, int]:
    """The inputs of `input_channel`; None for an inactive one."""
    leaf = channel or _NOTHING
    return {
        f"{scope}/a_index/value": leaf.a_index,
        f"{scope}/b_index/value": leaf.b_index,
        f"{scope}/epoch/value": leaf.epoch,
        f"{scope}/window/value": (leaf.window_s - MIN_WINDOW_S) % R if channel else 0,
        f"{scope}/closing": int(leaf.status is Status.CLOSING),
        f"{scope}/deadline/value": leaf.deadline,
        f"{scope}/deposit_a/value": leaf.deposit_a_ntok,
        f"{scope}/deposit_b": leaf.deposit_b_ntok,
        f"{scope}/lane_ab/value": leaf.lane_ab,
        f"{scope}/lane_ba": leaf.lane_ba,
        f"{scope}/key_hash_a": leaf.key_hash_a,
        f"{scope}/key_hash_b": leaf.key_hash_b,
    }
