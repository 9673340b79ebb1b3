"""Invariant: a user slot has a witness exactly where protocol.execute accepts, with its outcome.

One template for all types. Leaf updates are chained: account 1, account 2, channel, inside the
proof's windows; those that a type does not use carry the windows through.
Ref: docs/protocol.md section 4, docs/statements.md.
"""

from __future__ import annotations

from functools import cache

from protocol.units import (
    AMOUNT_BITS,
    L1_TIME_SLACK_S,
    LANE_BITS,
    NONCE_BITS,
    TIME_BITS,
)
from prover.circuits.conditions import enforce_nonzero_if, enforce_zero_if, one_of
from prover.circuits.payout import payout
from prover.circuits.user_inputs import UserSlot, input_user_slot
from prover.circuits.user_words import (
    SlotWords,
    data_element,
    signed_message,
    withdrawal_element,
)
from prover.circuits.windows import WINDOWS, WindowWires
from prover.gadgets.bits import enforce_uint, unsafe_uint
from prover.gadgets.schnorr import enforce_signature
from prover.gadgets.select import enforce_equal_if, is_both, masked
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit
from prover.r1cs.template import Template


@cache
def user_slot() -> Template:
    """The template. Links: the three windows, domain, l1_time, queue_covered. Exports: the windows'
    nodes afterwards, data, message, fee."""
    b = Builder("user slot")
    slot = input_user_slot(b)
    _enforce_parties(b, slot)
    _enforce_times(b, slot)
    words = SlotWords(b, slot)
    _enforce_signatures(b, slot, words)
    for name, window in zip(WINDOWS, _update_leaves(b, slot), strict=True):
        b.export(name, window.node)
    b.export("data", data_element(b, slot, words))
    b.export("message", withdrawal_element(b, slot))
    b.export("fee", slot.fee_ntok)
    return b.build()


def _enforce_parties(b: Builder, slot: UserSlot) -> None:
    """The accounts are the ones meant, the channel is in the right phase, the nonce has room."""
    kind, channel = slot.kind, slot.channel
    first, second = slot.place_1.tree.index, slot.place_2.tree.index
    with b.scope("parties"):
        party = b.mul(channel.b_index - channel.a_index, slot.side, channel.a_index, label="party")
        as_party = one_of(kind.open, kind.top_up, kind.start_close, kind.pays_out)
        enforce_equal_if(b, as_party, first, party, label="account 1 is the side's")
        with_b = one_of(kind.open, kind.pays_out)
        enforce_equal_if(b, with_b, second, channel.b_index, label="account 2 is B's")
        two = one_of(kind.transfer, kind.open)
        enforce_nonzero_if(b, two, first - second, label="two different accounts")
        enforce_equal_if(b, kind.open, channel.epoch, slot.nonce, label="epoch is the nonce")
        key_1, key_2 = slot.account_1.key_hash, slot.account_2.key_hash
        enforce_equal_if(b, kind.open, channel.key_hash_a, key_1, label="A's key is pinned")
        enforce_equal_if(b, kind.open, channel.key_hash_b, key_2, label="B's key is pinned")
        while_open = one_of(kind.top_up, kind.start_close)
        enforce_zero_if(b, while_open, channel.closing, label="channel is open")
        enforce_equal_if(b, kind.finalize, channel.closing, 1, label="channel is closing")
        last = (1 << NONCE_BITS) - 1
        enforce_nonzero_if(b, kind.uses_nonce, last - slot.nonce, label="nonce has room")


def _enforce_times(b: Builder, slot: UserSlot) -> None:
    """l1_time <= valid_until; deadline <= queue_covered."""
    kind, channel = slot.kind, slot.channel
    with b.scope("times"):
        left = masked(b, kind.expires, slot.valid_until - slot.l1_time, label="time left to use it")
        covered = slot.queue_covered - channel.deadline
        left = b.mul(covered, kind.finalize, left, label="queue covered past the deadline")
        with b.scope("in time"):
            enforce_uint(b, left, TIME_BITS)


def _enforce_signatures(b: Builder, slot: UserSlot, words: SlotWords) -> None:
    """Signature 1 by the signer's present key or the side's pinned one; 2, for CLOSE, by B's."""
    kind, channel = slot.kind, slot.channel
    message = signed_message(b, slot, words)
    with b.scope("signature1"):
        present, pinned = slot.account_1.key_hash, channel.key(b, slot.side)
        expected = b.mul(pinned - present, kind.pinned, present, label="expected key")
        key_hash = enforce_signature(b, slot.signature_1, message, enabled=kind.signed)
        enforce_equal_if(b, kind.signed, key_hash, expected, label="the signer's key")
    with b.scope("signature2"):
        key_hash = enforce_signature(b, slot.signature_2, message, enabled=kind.close)
        enforce_equal_if(b, kind.close, key_hash, channel.key_hash_b, label="B's key")


def _update_leaves(b: Builder, slot: UserSlot) -> tuple[WindowWires, WindowWires, WindowWires]:
    """The windows after all three updates."""
    kind, channel = slot.kind, slot.channel
    a_ntok, b_ntok = payout(
        b,
        channel.deposit_a_ntok,
        unsafe_uint(channel.deposit_b_ntok, AMOUNT_BITS),  # its place in the leaf: channel_leaf
        slot.lane_ab.paid_ntok,
        slot.lane_ba.paid_ntok,
    )
    with b.scope("moves"):
        spent_ntok = slot.amount_ntok + slot.fee_ntok
        gained_1 = masked(b, kind.pays_out, a_ntok, label="paid out to A") - spent_ntok
        gained_2 = b.mul(b_ntok, kind.pays_out, label="paid out to B")
        gained_2 = b.mul(slot.amount_ntok, kind.transfer, gained_2, label="transferred")
        wh_ab = masked(b, kind.close, slot.lane_ab.wh, label="energy of ab")
        wh_ba = masked(b, kind.close, slot.lane_ba.wh, label="energy of ba")
    windows = slot.account_windows
    with b.scope("account1"):
        leaf = slot.account_1
        after = leaf.changed(
            b, nonce=kind.uses_nonce, gained_ntok=gained_1, sold_wh=wh_ba, bought_wh=wh_ab
        )
        old, new = leaf.leaf_hash(b, "old leaf"), after.leaf_hash(b, "new leaf")
        windows = slot.place_1.update_if(b, kind.on_account_1, windows, old, new)
    with b.scope("account2"):
        other = slot.account_2
        after = other.changed(b, nonce=0, gained_ntok=gained_2, sold_wh=wh_ab, bought_wh=wh_ba)
        old, new = other.leaf_hash(b, "old leaf"), after.leaf_hash(b, "new leaf")
        windows = slot.place_2.update_if(b, kind.on_account_2, windows, old, new)
    with b.scope("channel"):
        return *windows, _update_channel(b, slot)


def _update_channel(b: Builder, slot: UserSlot) -> WindowWires:
    kind, channel = slot.kind, slot.channel
    _enforce_lanes_grow(b, slot)
    funds_b = is_both(b, kind.top_up, slot.side, label="tops up B's deposit")
    funds = one_of(kind.open, kind.top_up)
    added = masked(b, funds, slot.amount_ntok, label="added")
    added_b = masked(b, funds_b, slot.amount_ntok, label="added to B's")
    due = slot.l1_time + L1_TIME_SLACK_S + channel.window_s
    deadline = b.mul(due - channel.deadline, kind.start_close, channel.deadline, label="deadline")
    after = channel.changed(
        b,
        closing=channel.closing + kind.start_close,
        deadline=deadline,
        added_a_ntok=added - added_b,
        added_b_ntok=added_b,
        grown_ab=slot.grown_ab,
        grown_ba=slot.grown_ba,
    )
    keys_hash = channel.keys_hash(b)
    old = channel.leaf_hash(b, keys_hash, "old leaf")
    new = after.leaf_hash(b, keys_hash, "new leaf")
    old = masked(b, Bit((1 - kind.open).terms), old, label="empty before OPEN")
    new = masked(b, Bit((1 - kind.pays_out).terms), new, label="empty after the end")
    return slot.channel_window.updated_if(b, kind.on_channel, slot.place_c, old, new)


def _enforce_lanes_grow(b: Builder, slot: UserSlot) -> None:
    """CLAIM raises its own lane, CLOSE may raise both, nothing else changes one or lowers it."""
    kind = slot.kind
    with b.scope("lanes"):
        with b.scope("ba does not fall"):  # ab's growth is ranged with the money: shared_bits
            enforce_uint(b, slot.grown_ba, LANE_BITS)
        claims_ba = is_both(b, kind.claim, slot.side, label="claims ba")
        claims_ab = kind.claim - claims_ba
        keeps_ab = Bit((1 - kind.close - claims_ab).terms)
        keeps_ba = Bit((1 - kind.close - claims_ba).terms)
        enforce_zero_if(b, keeps_ab, slot.grown_ab, label="ab is kept")
        enforce_zero_if(b, keeps_ba, slot.grown_ba, label="ba is kept")
        grown = slot.grown_ab + slot.grown_ba
        enforce_nonzero_if(b, kind.claim, grown, label="claimed lane is higher")
