"""Invariant: the slots run between the two roots that L1 sees, in the context that L1 gives; their
fees reach one account; and what L1 sees of them is exactly what digest and evaluations say.

`head` holds the public inputs and opens the old state; `tail` credits the fees, closes the new
state and binds data, messages and the link: old root, new root and context are no public inputs,
but the last coefficients of y_msg's polynomial and the last elements of the digest.
Ref: docs/protocol.md section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from protocol.batch import ExecutedProof, PublicInputs, Shape
from protocol.crypto.poseidon import Tag
from protocol.state import NO_CERTIFICATES, TreeRoots
from protocol.trace import Context
from protocol.units import AMOUNT_BITS, DOMAIN_BITS, INDEX_BITS, TIME_BITS
from prover.circuits.account_leaf import AccountLanes, input_lanes, lanes_inputs
from prover.circuits.queue_slot import ELEMENTS
from prover.circuits.tree_place import input_place, place_inputs
from prover.gadgets.bits import enforce_bits, enforce_uint, uint_of_bits
from prover.gadgets.compare import is_zero
from prover.gadgets.poseidon import hash4
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Lc
from prover.r1cs.template import Template

PUBLIC = ("digest", "z", "y_data", "y_msg")
LINKED = ("old_root", "context")
"""What the head exports for the tail to put into the messages; new_root is the tail's own."""


@cache
def head() -> Template:
    """Exports: accounts, channels (the old roots), old_root, context, domain, l1_time,
    queue_covered; used (a 1 before the first queue slot); given/x for each public input x."""
    b = Builder("head")
    public = {name: b.public(name) for name in PUBLIC}
    accounts, channels = b.input("accounts_root"), b.input("channels_root")
    b.export("old_root", _state_root(b, accounts, channels))
    with b.scope("context"):
        context = b.input("value")
        bits = enforce_bits(b, context, DOMAIN_BITS + 2 * TIME_BITS)
    b.export("context", context)
    b.export("accounts", accounts)
    b.export("channels", channels)
    b.export("used", 1)
    times = DOMAIN_BITS + TIME_BITS
    b.export("domain", uint_of_bits(bits[:DOMAIN_BITS]))
    b.export("l1_time", uint_of_bits(bits[DOMAIN_BITS:times]))
    b.export("queue_covered", uint_of_bits(bits[times:]))
    for name in PUBLIC:
        b.export(f"given/{name}", b.materialise(public[name], label=f"given {name}"))
    return b.build()


def _state_root(b: Builder, accounts: Lc, channels: Lc) -> Lc:
    return hash4(b, Tag.STATE, accounts, channels, NO_CERTIFICATES, 0, label="state")


@cache
def tail(shape: Shape) -> Template:
    """Links: accounts_root, channels_root, old_root, context, digest, z, y_data, y_msg; fee/i,
    data/i, message/i of user slot i; used/j and element/j/0 .. 7 of queue slot j."""
    b = Builder("tail")
    accounts, channels = b.link("accounts_root"), b.link("channels_root")
    old_root, context = (b.link(name) for name in LINKED)
    digest, z, y_data, y_msg = (b.link(name) for name in PUBLIC)
    users, queue = range(shape.user_slots), range(shape.queue_slots)
    fees_ntok = Lc.total((1, b.link(f"fee/{i}")) for i in users)
    operator_index, accounts = _credit_fees(b, accounts, fees_ntok)
    new_root = _state_root(b, accounts, channels)
    consumed = Lc.total((1, b.link(f"used/{j}")) for j in queue)
    data = [operator_index + consumed * (1 << INDEX_BITS), *(b.link(f"data/{i}") for i in users)]
    messages = [b.link(f"element/{j}/{k}") for j in queue for k in range(ELEMENTS)]
    messages += [b.link(f"message/{i}") for i in users]
    messages += [old_root, new_root, context]
    with b.scope("digest"):
        b.enforce_equal(_digest(b, [*data, *messages]), digest, label="digest")
    b.enforce_equal(_evaluation(b, data, z, "data"), y_data, label="y_data")
    b.enforce_equal(_evaluation(b, messages, z, "messages"), y_msg, label="y_msg")
    return b.build()


def _credit_fees(b: Builder, root: Lc, fees_ntok: Lc) -> tuple[Lc, Lc]:
    """(operator index, accounts root after the credit). Without fees: index 0, the same root."""
    with b.scope("operator"):
        active = ~is_zero(b, fees_ntok, label="no fees")
        place, before = input_place(b), input_lanes(b)
        before.enforce_blank_if(b, ~active, "blank")
        with b.scope("new balance"):
            balance = enforce_uint(b, before.balance_ntok + fees_ntok, AMOUNT_BITS)
        after = AccountLanes(before.key_hash, before.owner, balance, before.totals)
        old, new = before.leaf_hash(b, "old leaf"), after.leaf_hash(b, "new leaf")
        return place.index, place.update_if(b, active, root, old, new)


def _digest(b: Builder, elements: Sequence[Lc]) -> Lc:
    """H4(TAG_DIGEST; acc, x, y, z) from 0 over the elements, zero-padded to whole triples."""
    padded = [*elements, *[Lc()] * (-len(elements) % 3)]
    acc = Lc()
    for i in range(0, len(padded), 3):
        x, y, z = padded[i : i + 3]
        acc = hash4(b, Tag.DIGEST, acc, x, y, z, label=f"triple{i // 3}")
    return acc


def _evaluation(b: Builder, coefficients: Sequence[Lc], z: Lc, label: str) -> Lc:
    """The polynomial with these coefficients, lowest first, at z by Horner. 1 a step."""
    total = Lc()
    for i, coefficient in reversed(list(enumerate(coefficients))):
        total = b.mul(total, z, coefficient, label=f"{label} down to {i}")
    return total


def head_inputs(public: PublicInputs, context: Context, old: TreeRoots) -> dict[str, int]:
    """The inputs of `head`."""
    return {
        **dict(zip(PUBLIC, public.values(), strict=True)),
        "context/value": context.element(),
        "accounts_root": old.accounts_root,
        "channels_root": old.channels_root,
    }


def tail_inputs(executed: ExecutedProof) -> dict[str, int]:
    """The inputs of `tail` but its links."""
    update = executed.fees
    if update is None:
        return place_inputs("operator") | lanes_inputs("operator", None)
    place = place_inputs("operator", update.index, update.siblings)
    return place | lanes_inputs("operator", update.before)
