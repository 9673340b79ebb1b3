"""Invariant: the channel that a queue slot looks at is the one that its slot in the tree holds.

`occupied` follows from the leaf: the hash of a channel is not the empty leaf's 0. Where it is 0 all
fields are 0. A leaf's lanes are split only where somebody looks inside (queue_inputs); its other
fields have their ranges here, so that each packed lane splits in one way.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.channels import Channel, Status
from protocol.state import ChannelUpdate
from protocol.units import (
    AMOUNT_BITS,
    INDEX_BITS,
    LANE_BITS,
    NONCE_BITS,
    TIME_BITS,
    WINDOW_BITS,
)
from prover.circuits.channel_leaf import ChannelFields
from prover.circuits.conditions import enforce_zero_if
from prover.circuits.tree_place import NO_SIBLINGS, TreePlace, input_place, place_inputs
from prover.gadgets.bits import input_bit, input_uint, unsafe_uint
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Uint


@dataclass(frozen=True, slots=True)
class HeldChannel:
    """A channel slot and what it holds; deposit_b is fields.deposit_b_ntok with its range."""

    place: TreePlace
    occupied: Bit
    fields: ChannelFields
    deposit_b_ntok: Uint


def input_held_channel(b: Builder, active: Bit) -> HeldChannel:
    """The inputs of a slot; empty if not active. 314 constraints."""
    with b.scope("channel"):
        place = input_place(b)
        occupied = input_bit(b, "occupied")
        enforce_zero_if(b, ~active, occupied, label="inactive")
        deposit_b_ntok = input_uint(b, "deposit_b", AMOUNT_BITS)
        fields = ChannelFields(
            a_index=input_uint(b, "a_index", INDEX_BITS),
            b_index=input_uint(b, "b_index", INDEX_BITS),
            epoch=input_uint(b, "epoch", NONCE_BITS),
            window_s=input_uint(b, "window", WINDOW_BITS),
            closing=input_bit(b, "closing"),
            deadline=input_uint(b, "deadline", TIME_BITS),
            deposit_a_ntok=input_uint(b, "deposit_a", AMOUNT_BITS),
            deposit_b_ntok=deposit_b_ntok,
            lane_ab=unsafe_uint(b.input("lane_ab"), LANE_BITS),  # where read: queue_inputs
            lane_ba=b.input("lane_ba"),
            key_hash_a=b.input("key_hash_a"),
            key_hash_b=b.input("key_hash_b"),
        )
        fields.enforce_fresh_if(b, ~occupied)
        fields.enforce_nameless_if(b, ~occupied)
    return HeldChannel(place, occupied, fields, deposit_b_ntok)


_NOTHING = Channel(0, 0, 0, 0, Status.OPEN, 0, 0, 0, 0, 0, 0, 0)


def held_channel_inputs(update: ChannelUpdate | None) -> dict[str, int]:
    """The inputs of `input_held_channel`; None for an inactive one."""
    at, siblings = (update.slot, update.siblings) if update else (0, NO_SIBLINGS)
    held = update.before if update else None
    leaf = held or _NOTHING
    return place_inputs("channel", at, siblings) | {
        "channel/occupied": int(held is not None),
        "channel/a_index/value": leaf.a_index,
        "channel/b_index/value": leaf.b_index,
        "channel/epoch/value": leaf.epoch,
        "channel/window/value": leaf.window_s,
        "channel/closing": int(leaf.status is Status.CLOSING),
        "channel/deadline/value": leaf.deadline,
        "channel/deposit_a/value": leaf.deposit_a_ntok,
        "channel/deposit_b/value": leaf.deposit_b_ntok,
        "channel/lane_ab": leaf.lane_ab,
        "channel/lane_ba": leaf.lane_ba,
        "channel/key_hash_a": leaf.key_hash_a,
        "channel/key_hash_b": leaf.key_hash_b,
    }
