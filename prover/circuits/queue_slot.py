"""Invariant: a queue slot does what its op and the old leaves say, and nothing else is possible.

One template for all ops; 0 is an unused slot, whose elements are all 0. Leaf updates are chained:
account 1, account 2, channel, each walking its whole tree; a no-op reads what decides it. Whether
a leaf is there follows from the leaf: the hash of an account or a channel is never 0.
Ref: docs/protocol.md section 4, docs/statements.md.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from protocol.batch import QUEUE_MESSAGES
from protocol.units import ADDRESS_BITS, LANE_BITS, TIME_BITS
from prover.circuits.account_leaf import AccountLanes
from prover.circuits.conditions import one_of
from prover.circuits.queue_inputs import AccountWires, QueueSlot, input_queue_slot
from prover.circuits.queue_rules import Rules, rules
from prover.gadgets.bits import unsafe_uint
from prover.gadgets.compare import is_zero
from prover.gadgets.select import is_both, masked
from prover.r1cs.builder import Builder
from prover.r1cs.lc import FALSE, Bit, Lc
from prover.r1cs.template import Template

ELEMENTS = QUEUE_MESSAGES
"""How many message elements a slot exports: seven that L1 says, and what it pays out."""


@cache
def queue_slot() -> Template:
    """The template. Links: accounts_root, channels_root, used_before (1 if the slot before is
    used), domain, l1_time. Exports: accounts, channels (the roots afterwards), used,
    element/0 .. element/7."""
    b = Builder("queue slot")
    accounts, channels = b.link("accounts_root"), b.link("channels_root")
    used_before = b.link("used_before")
    slot = input_queue_slot(b)
    used = slot.kind.used
    b.enforce_product(used, 1 - used_before, 0, label="used slots come first")
    found = rules(b, slot)
    with b.scope("account1"):
        after = _account_1_after(b, slot, found)
        accounts = _updated(b, slot.account_1, found.created, after, accounts)
    with b.scope("account2"):
        lanes = slot.account_2.lanes
        gained = masked(b, found.finalized, found.gain_2_ntok, label="gained")
        after = AccountLanes(lanes.key_hash, lanes.owner, lanes.balance_ntok + gained, lanes.totals)
        accounts = _updated(b, slot.account_2, FALSE, after, accounts)
    with b.scope("channel"):
        channels = _update_channel(b, slot, found, channels)
    b.export("accounts", accounts)
    b.export("channels", channels)
    b.export("used", used)
    for i, element in enumerate((*slot.elements, _paid_out(b, slot, found))):
        b.export(f"element/{i}", element)
    return b.build()


def _account_1_after(b: Builder, slot: QueueSlot, found: Rules) -> AccountLanes:
    """Created, credited, with a new key, emptied, or as it was. 5 constraints.

    The lanes of an account that does not exist are 0, so that what is given can be added.
    """
    lanes, op = slot.account_1.lanes, slot.op
    replaced = one_of(found.created, found.key_changed)
    key_hash = b.mul(op.key_hash - lanes.key_hash, replaced, lanes.key_hash, label="key hash after")
    counted = is_both(b, found.exited, ~found.last_nonce, label="exit counts") + found.key_changed
    owner = lanes.owner + counted * (1 << ADDRESS_BITS)
    owner = b.mul(op.address, found.created, owner, label="owner after")
    gains = one_of(found.created, found.credited, found.finalized)
    balance = b.mul(found.gain_1_ntok, gains, lanes.balance_ntok, label="balance and gain")
    balance -= masked(b, found.exited, lanes.balance_ntok, label="withdrawn")
    return AccountLanes(key_hash, owner, balance, lanes.totals)


def _updated(b: Builder, account: AccountWires, created: Bit, after: AccountLanes, root: Lc) -> Lc:
    """The accounts root with the leaf as it is afterwards."""
    there = one_of(account.exists, created)
    old = masked(b, account.exists, account.lanes.leaf_hash(b, "old leaf"), label="0 if empty")
    new = masked(b, there, after.leaf_hash(b, "new leaf"), label="0 if empty")
    return account.place.update_if(b, account.active, root, old, new)


def _update_channel(b: Builder, slot: QueueSlot, found: Rules, root: Lc) -> Lc:
    """Closing from now on, with a higher lane, ended, or as it was."""
    held, channel, op = slot.held, slot.held.fields, slot.op
    grown = masked(b, found.claimed, op.lane_value - found.old_lane, label="grown")
    grown_ba = masked(b, op.side, grown, label="grown in ba")
    moved = found.due - channel.deadline
    deadline = b.mul(moved, found.close_started, channel.deadline, label="deadline")
    keys_hash = channel.keys_hash(b)
    after = replace(
        channel,
        closing=Bit((channel.closing + found.close_started).terms),
        deadline=unsafe_uint(deadline, TIME_BITS),  # it fits where it is new: rules
        lane_ab=unsafe_uint(channel.lane_ab + grown - grown_ba, LANE_BITS),
        lane_ba=channel.lane_ba + grown_ba,
    )
    old, new = (
        channel.leaf_hash(b, keys_hash, "old leaf"),
        after.leaf_hash(b, keys_hash, "new leaf"),
    )
    stays = Bit((held.occupied - found.finalized).terms)
    old = masked(b, held.occupied, old, label="0 if empty")
    new = masked(b, stays, new, label="0 if empty afterwards")
    return held.place.update_if(b, slot.kind.on_channel, root, old, new)


def _paid_out(b: Builder, slot: QueueSlot, found: Rules) -> Lc:
    """l1_address + amount 2^160 where a FORCED_EXIT pays more than 0, else 0. 4 constraints."""
    with b.scope("withdrawal"):
        balance = slot.account_1.lanes.balance_ntok
        nothing = is_zero(b, balance, label="balance is zero")
        pays = is_both(b, found.exited, ~nothing, label="pays out to L1")
        return masked(b, pays, slot.op.address + balance * (1 << ADDRESS_BITS), label="element")
