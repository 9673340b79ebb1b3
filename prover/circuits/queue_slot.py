"""Invariant: a queue slot does what its op and the old leaf say, and nothing else is possible.

Ops 1 and 2 exist so far; any other number satisfies nothing, and 0 is an unused slot, whose
elements are all 0. Whether an op applies is computed: a NEW_ACCOUNT at a taken index, a DEPOSIT
to nobody or past 2^64 leave the leaf as it is. `exists` is forced by the old leaf: the hash of an
account is never the empty leaf's 0. Ref: protocol.execute.execute_queue_op.
"""

from __future__ import annotations

from functools import cache

from protocol.queue import Deposit, NewAccount, OpType
from protocol.trace import QueueTrace
from protocol.units import ADDRESS_BITS, AMOUNT_BITS, TIME_BITS
from prover.circuits.account_leaf import AccountLanes, input_lanes, lanes_inputs
from prover.circuits.conditions import enforce_zero_if, one_of
from prover.circuits.tree_place import input_place, place_inputs
from prover.gadgets.bits import enforce_bit, enforce_uint, input_bit, input_uint
from prover.gadgets.select import is_both, masked
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc
from prover.r1cs.template import Template

ELEMENTS = 3
"""How many of a slot's 8 elements are wires: element/0..2; the others are 0 for ops 1 and 2."""

_INDEX_SHIFT = 8
_TIME_SHIFT = 40


@cache
def queue_slot() -> Template:
    """The template. Links: accounts_root, used_before (1 if the slot before is used).
    Exports: accounts (the root afterwards), used, element/0 .. element/2."""
    b = Builder("queue slot")
    root, used_before = b.link("accounts_root"), b.link("used_before")
    with b.scope("op"):
        is_new, is_deposit = input_bit(b, "is_new_account"), input_bit(b, "is_deposit")
        used = enforce_bit(b, is_new + is_deposit, label="at most one op")
        b.enforce_product(used, 1 - used_before, 0, label="used slots come first")
        enqueue_time = input_uint(b, "enqueue_time", TIME_BITS)
        l1_address = input_uint(b, "l1_address", ADDRESS_BITS)
        amount_ntok = input_uint(b, "amount", AMOUNT_BITS)
        key_hash = b.input("key_hash")
    with b.scope("account"):
        place, before = input_place(b), input_lanes(b)
        exists = input_bit(b, "exists")
        before.enforce_blank_if(b, ~exists, "empty leaf")
        enforce_zero_if(b, ~used, exists, label="unused")
    with b.scope("op"):
        number = int(OpType.NEW_ACCOUNT) * is_new + int(OpType.DEPOSIT) * is_deposit
        head = place.index * (1 << _INDEX_SHIFT) + enqueue_time * (1 << _TIME_SHIFT)
        money = l1_address + amount_ntok * (1 << ADDRESS_BITS)
        enforce_zero_if(b, ~used, head, money, label="unused")
        enforce_zero_if(b, ~is_new, key_hash, label="no key")
    with b.scope("account"):
        after, created = _applied(
            b,
            is_new,
            is_deposit,
            exists,
            before,
            AccountLanes(key_hash, l1_address, amount_ntok, Lc()),
        )
        old = masked(b, exists, before.leaf_hash(b, "old leaf"), label="0 if empty")
        new = masked(b, one_of(exists, created), after.leaf_hash(b, "new leaf"), label="0 if empty")
        root = place.update_if(b, used, root, old, new)
    b.export("accounts", root)
    b.export("used", used)
    for i, element in enumerate((number + head, money, key_hash)):
        b.export(f"element/{i}", element)
    return b.build()


def _applied(
    b: Builder,
    is_new: Bit,
    is_deposit: Bit,
    exists: Bit,
    before: AccountLanes,
    given: AccountLanes,
) -> tuple[AccountLanes, Bit]:
    """(the lanes afterwards, whether an account came to be). 71 constraints.

    before is all 0 where the account does not exist, so that what is given can be added.
    """
    created = is_both(b, is_new, ~exists, label="created")
    total = before.balance_ntok + given.balance_ntok
    with b.scope("overflow"):
        (hint,) = b.hint_bits(total, 1, low=AMOUNT_BITS)
        overflow = enforce_bit(b, hint)
        with b.scope("rest"):
            enforce_uint(b, total - (1 << AMOUNT_BITS) * overflow, AMOUNT_BITS)
    fits = is_both(b, exists, ~overflow, label="exists and fits")
    credited = is_both(b, is_deposit, fits, label="credited")
    lanes = AccountLanes(
        key_hash=b.mul(given.key_hash, created, before.key_hash, label="key hash after"),
        owner=b.mul(given.owner, created, before.owner, label="owner after"),
        balance_ntok=b.mul(
            given.balance_ntok,
            one_of(created, credited),
            before.balance_ntok,
            label="balance after",
        ),
        totals=before.totals,
    )
    return lanes, created


def queue_inputs(trace: QueueTrace | None) -> dict[str, int]:
    """The inputs of a queue slot but its links; None for an unused one."""
    op = trace.op if trace else None
    update = trace.account if trace else None
    inputs = (
        place_inputs("account", update.index, update.siblings)
        if update
        else place_inputs("account")
    )
    account = update.before if update else None
    key_hash = l1_address = amount_ntok = enqueue_time = 0
    match op:
        case NewAccount():
            key_hash, l1_address, amount_ntok = op.key_hash, op.owner, op.amount_ntok
            enqueue_time = op.enqueue_time
        case Deposit():
            l1_address, amount_ntok, enqueue_time = op.payer, op.amount_ntok, op.enqueue_time
        case None:
            pass
    return (
        inputs
        | lanes_inputs("account", account)
        | {
            "account/exists": int(account is not None),
            "op/is_new_account": int(isinstance(op, NewAccount)),
            "op/is_deposit": int(isinstance(op, Deposit)),
            "op/enqueue_time/value": enqueue_time,
            "op/l1_address/value": l1_address,
            "op/amount/value": amount_ntok,
            "op/key_hash": key_hash,
        }
    )
