"""Invariant: whether an op applies follows from the op, the leaves and L1's time: nobody chooses.

Each rule is a bit, a product of bits that are computed; where it is 0 the op changes nothing. What
might not fit (a balance, a deadline) is a bit as well, never a range that could refuse the op.
Ref: protocol.execute_queue.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.crypto.poseidon import Tag
from protocol.units import (
    AMOUNT_BITS,
    CHANNEL_ID_BITS,
    L1_TIME_SLACK_S,
    LANE_BITS,
    NONCE_BITS,
    TIME_BITS,
)
from protocol.vouchers import NO_LOCK
from prover.circuits.conditions import all_of
from prover.circuits.payout import payout
from prover.circuits.queue_inputs import QueueSlot
from prover.gadgets.bits import enforce_bit, enforce_uint, unsafe_uint
from prover.gadgets.compare import is_at_most, is_equal, is_less
from prover.gadgets.poseidon import hash4
from prover.gadgets.schnorr import is_signature
from prover.gadgets.select import is_both, masked, select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc

_CARRY_BITS = 2
"""A balance and a share, below 2^64 and 2^65, add up to less than 2^66."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which effect the op has; at most one bit is 1.

    gain_1 and gain_2: what accounts 1 and 2 are credited where they are. due: the new deadline,
    where close_started. last_nonce: account 1's nonce stays. old_lane: the lane that is claimed.
    """

    created: Bit
    credited: Bit
    key_changed: Bit
    exited: Bit
    close_started: Bit
    claimed: Bit
    finalized: Bit
    gain_1_ntok: Lc
    gain_2_ntok: Lc
    due: Lc
    last_nonce: Bit
    old_lane: Lc


def rules(b: Builder, slot: QueueSlot) -> Rules:
    """All of them, whatever the op. 3,670 constraints."""
    kind, op, channel, held = slot.kind, slot.op, slot.held.fields, slot.held
    first, second = slot.account_1, slot.account_2
    a_ntok, b_ntok = payout(
        b,
        channel.deposit_a_ntok,
        held.deposit_b_ntok,
        slot.lane_ab.paid_ntok,
        slot.lane_ba.paid_ntok,
    )
    with b.scope("rules"):
        gain_1 = b.mul(a_ntok, kind.forced_finalize, op.amount_ntok, label="account 1 may gain")
        gain_2 = masked(b, kind.forced_finalize, b_ntok, label="account 2 may gain")
        fits_1 = _fits(b, first.lanes.balance_ntok + gain_1, "balance 1 fits")
        fits_2 = _fits(b, second.lanes.balance_ntok + gain_2, "balance 2 fits")
        sent = is_equal(b, op.address, slot.l1_address, label="sender is the address")
        owner = is_both(b, sent, first.exists, label="sender is the owner")
        last = is_equal(b, slot.nonce, (1 << NONCE_BITS) - 1, label="last nonce")
        meant = is_equal(b, op.epoch, channel.epoch, label="epoch")
        meant = is_both(b, meant, held.occupied, label="the channel meant")
        closing = is_both(b, meant, channel.closing, label="closing")
        is_open = Bit((meant - closing).terms)
        due = slot.l1_time + L1_TIME_SLACK_S + channel.window_s
        due_fits = _fits_time(b, due)
        over = is_at_most(b, channel.deadline, op.enqueue_time, label="deadline is over")
        old_lane, proven = _voucher(b, slot)
        return Rules(
            created=is_both(b, kind.new_account, ~first.exists, label="created"),
            credited=all_of(b, kind.deposit, first.exists, fits_1, label="credited"),
            key_changed=all_of(b, kind.key_change, owner, ~last, label="key changed"),
            exited=is_both(b, kind.forced_exit, owner, label="exited"),
            close_started=all_of(
                b, kind.forced_start_close, owner, is_open, due_fits, label="close started"
            ),
            claimed=all_of(b, kind.forced_claim, meant, proven, label="claimed"),
            finalized=all_of(
                b, kind.forced_finalize, closing, over, fits_1, fits_2, label="finalized"
            ),
            gain_1_ntok=gain_1,
            gain_2_ntok=gain_2,
            due=due,
            last_nonce=last,
            old_lane=old_lane,
        )


def _fits(b: Builder, total_ntok: Lc, label: str) -> Bit:
    """Whether a sum below 2^66 is below 2^64. 67 constraints."""
    with b.scope(label):
        carry = b.hint_bits(total_ntok, _CARRY_BITS, low=AMOUNT_BITS)
        low, high = (enforce_bit(b, bit, label=f"carry{i} is a bit") for i, bit in enumerate(carry))
        with b.scope("rest"):
            above = (1 << AMOUNT_BITS) * low + (1 << AMOUNT_BITS + 1) * high
            enforce_uint(b, total_ntok - above, AMOUNT_BITS)
        return is_both(b, ~low, ~high, label="no carry")


def _fits_time(b: Builder, due: Lc) -> Bit:
    """Whether a time, below 2^41, is below 2^40. 41 constraints."""
    with b.scope("deadline fits"):
        (hint,) = b.hint_bits(due, 1, low=TIME_BITS)
        beyond = enforce_bit(b, hint)
        with b.scope("rest"):
            enforce_uint(b, due - (1 << TIME_BITS) * beyond, TIME_BITS)
        return ~beyond


def _voucher(b: Builder, slot: QueueSlot) -> tuple[Lc, Bit]:
    """(the lane before, whether the op's lane value is higher and signed by its pinned key)."""
    op, channel = slot.op, slot.held.fields
    with b.scope("voucher"):
        old_lane = select(b, op.side, slot.lane_ba.value, slot.lane_ab.value, label="lane")
        old_lane = unsafe_uint(old_lane, LANE_BITS)
        higher = is_less(b, old_lane, op.lane_value, label="higher")
        where = channel.id + op.side * (1 << CHANNEL_ID_BITS)
        message = hash4(b, Tag.VOUCHER, slot.domain, where, op.lane_value, NO_LOCK, label="message")
        signed, key_hash = is_signature(b, op.signature, message)
        pinned = is_equal(b, key_hash, channel.key(b, op.side), label="pinned key")
        return old_lane, all_of(b, higher, signed, pinned, label="proven")
