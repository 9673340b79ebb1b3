"""A channel: two deposits, two opposed lanes that only grow, and keys that never change.

Lane ab carries all that A has promised to pay B and the energy it paid for, as one integer
wh + paid 2^40; "higher" is the order of that integer. Ref: docs/protocol.md section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from protocol.crypto.field import check_fr
from protocol.crypto.poseidon import Tag, h2, h4
from protocol.errors import OutOfRange
from protocol.units import (
    AMOUNT_BITS,
    INDEX_BITS,
    LANE_BITS,
    LANE_PAID_BITS,
    LANE_WH_BITS,
    NONCE_BITS,
    TIME_BITS,
    WINDOW_BITS,
    check_range,
)


class Status(IntEnum):
    """Where a channel stands; an empty slot has no leaf and so no status."""

    OPEN = 1
    CLOSING = 2


class Lane(IntEnum):
    """Who pays whom; the same numbers name the side that signs (A is 0, B is 1)."""

    AB = 0
    BA = 1


def check_lane(field: str, given: Lane) -> Lane:
    """Return `given` if it is a Lane; an int 0 or 1 would be taken for the wrong side."""
    if type(given) is not Lane:
        raise OutOfRange(f"{field} (a Lane)", given, 1)
    return given


def channel_id(a_index: int, b_index: int, epoch: int) -> int:
    """a_index + b_index 2^32 + epoch 2^64: unique for ever, as epoch is A's nonce at OPEN."""
    check_range("a_index", a_index, INDEX_BITS)
    check_range("b_index", b_index, INDEX_BITS)
    return a_index + (b_index << 32) + (check_range("epoch", epoch, NONCE_BITS) << 64)


def pack_lane(energy_wh: int, paid_ntok: int) -> int:
    """The lane value wh + paid 2^40. Raises OutOfRange past 40 or 56 bits."""
    check_range("lane energy_wh", energy_wh, LANE_WH_BITS)
    return energy_wh + (check_range("lane paid_ntok", paid_ntok, LANE_PAID_BITS) << LANE_WH_BITS)


def lane_wh(lane_value: int) -> int:
    """The energy in a lane value."""
    return lane_value & ((1 << LANE_WH_BITS) - 1)


def lane_paid_ntok(lane_value: int) -> int:
    """The money in a lane value."""
    return lane_value >> LANE_WH_BITS


@dataclass(frozen=True, slots=True)
class Payout:
    """What a channel's end gives to A and to B; together always both deposits."""

    a_ntok: int
    b_ntok: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel leaf. Raises OutOfRange for a field that does not fit its bits."""

    a_index: int
    b_index: int
    epoch: int
    window_s: int
    status: Status
    deadline: int
    deposit_a_ntok: int
    deposit_b_ntok: int
    lane_ab: int
    lane_ba: int
    key_hash_a: int
    key_hash_b: int

    def __post_init__(self) -> None:
        check_range("a_index", self.a_index, INDEX_BITS)
        check_range("b_index", self.b_index, INDEX_BITS)
        check_range("epoch", self.epoch, NONCE_BITS)
        check_range("window_s", self.window_s, WINDOW_BITS)
        if type(self.status) is not Status:
            raise OutOfRange("status (a Status, 1 or 2)", self.status, 8)
        check_range("deadline", self.deadline, TIME_BITS)
        check_range("deposit_a_ntok", self.deposit_a_ntok, AMOUNT_BITS)
        check_range("deposit_b_ntok", self.deposit_b_ntok, AMOUNT_BITS)
        check_range("lane_ab", self.lane_ab, LANE_BITS)
        check_range("lane_ba", self.lane_ba, LANE_BITS)
        check_fr("key_hash_a", self.key_hash_a)
        check_fr("key_hash_b", self.key_hash_b)

    @property
    def id(self) -> int:
        """The channel's id, which vouchers and signed messages name."""
        return channel_id(self.a_index, self.b_index, self.epoch)

    def lane(self, lane: Lane) -> int:
        """The lane's value."""
        return self.lane_ab if lane is Lane.AB else self.lane_ba

    def key_hash(self, side: Lane) -> int:
        """The pinned key of side A (0) or B (1)."""
        return self.key_hash_a if side is Lane.AB else self.key_hash_b

    def leaf_hash(self) -> int:
        """H4(TAG_CHANNEL; identity and status, deposits, lanes, H2(TAG_KEYS; both keys))."""
        return h4(
            Tag.CHANNEL,
            self.a_index
            + (self.b_index << 32)
            + (self.epoch << 64)
            + (self.window_s << 96)
            + (int(self.status) << 128)
            + (self.deadline << 136),
            self.deposit_a_ntok + (self.deposit_b_ntok << 64),
            self.lane_ab + (self.lane_ba << 96),
            h2(Tag.KEYS, self.key_hash_a, self.key_hash_b),
        )

    def payout(self, lane_ab: int, lane_ba: int) -> Payout:
        """bal_b = clamp(deposit_b + paid_ab - paid_ba, 0, total); bal_a is the rest."""
        total = self.deposit_a_ntok + self.deposit_b_ntok
        net = self.deposit_b_ntok + lane_paid_ntok(lane_ab) - lane_paid_ntok(lane_ba)
        b_ntok = min(max(net, 0), total)
        return Payout(total - b_ntok, b_ntok)
