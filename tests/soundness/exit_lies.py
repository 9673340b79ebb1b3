"""Lies about what is left, and the names of the rules that they break.

Whoever lies may choose every input. So each lie is made as good as can be: what is said, the leaf
and the signature agree with each other, and the rules that it lists are the only ones against it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocol.accounts import Account
from protocol.channels import Channel, Lane, lane_paid_ntok
from protocol.crypto.field import R
from protocol.inclusion import prove_account
from prover.circuits.exit import EXIT, exit_circuit
from prover.circuits.exit_leaves import account_inputs, channel_inputs
from prover.circuits.tree_place import place_inputs
from prover.gadgets.schnorr import DUMMY, signature_inputs
from prover.r1cs.products import products
from tests.protocol.street import ANNA, DOMAIN, Home
from tests.prover.circuits.exit_cases import (
    RAISED,
    SLOT,
    Inputs,
    case,
    channel_at,
    left_state,
    voucher,
)

BY = "voucher/signature/sG = R + eA in "
UNSIGNED = {f"{BY}x", f"{BY}y"}
PINNED = "voucher/by the payer's pinned key"
TREES = ("account_a", "account_b", "channel")
A_LEAF, B_LEAF, LEAF = (
    f"{tree}/leaf is in the tree" for tree in ("account_a", "account_b", "channel")
)


def failing(inputs: Inputs) -> set[str]:
    """The names of all constraints that an exit with these inputs fails."""
    circuit, failed = exit_circuit().circuit, set()
    evaluated = products(circuit.r1cs, circuit.witness({EXIT: inputs}))
    while (row := evaluated.first_unsatisfied_row()) is not None:
        failed.add(circuit.row_name(row).removeprefix(f"{EXIT}/"))
        for side in (evaluated.a, evaluated.b, evaluated.c):
            side[row] = 0  # looked at; on to the next
    return failed


@dataclass(frozen=True, slots=True)
class Lie:
    """All inputs of an exit, and the only rules that are broken."""

    inputs: Inputs
    says_no: set[str]


def said(name: str, says_no: set[str], **changes: int) -> Lie:
    """An honest case with other public inputs: `what` is added to, the others are replaced."""
    inputs = case(name)
    inputs["what"] += changes.pop("what", 0)
    return Lie(inputs | changes, says_no)


def money(ntok: int) -> Inputs:
    """The inputs of an amount of money."""
    low, upper = ntok & (2**64 - 1), ntok >> 64
    parts = {"paid": low & (2**56 - 1), "above_paid": low >> 56, "upper": upper}
    return {f"what/money/{part}/value": value for part, value in parts.items()}


def account_as(leaf: Account | None, says_no: set[str], index: int = 0, ntok: int = -1) -> Lie:
    """The exit of an account whose leaf is said to be this one, with its own or this balance."""
    state = left_state()
    place = place_inputs("account_a", index, state.account_siblings(index))
    inputs = case("account") | place | account_inputs("account_a", leaf)
    balance = ntok if ntok >= 0 else leaf.balance_ntok if leaf else 0
    inputs |= money(balance)
    inputs["what"] = 1 + (index << 8) + (balance << 40)
    inputs["first"] = leaf.l1_address if leaf else 0
    return Lie(inputs, says_no)


def leaf_of(one: Home) -> Account:
    return left_state().account(one.index)


def channel_as(channel: Channel, says_no: set[str], *, slot: int = SLOT, **more: int) -> Lie:
    """The exit of a channel whose leaf is said to be this one, between these accounts."""
    state = left_state()
    a, b = (prove_account(state, index) for index in (channel.a_index, channel.b_index))
    inputs = case("channel")
    inputs |= place_inputs("channel", slot, state.channel_siblings(slot))
    inputs |= channel_inputs("channel", channel)
    for name, each in (("account_a", a), ("account_b", b)):
        assert each.account is not None
        inputs |= place_inputs(name, each.index, each.siblings) | account_inputs(name, each.account)
    deposits = channel.deposit_a_ntok + (channel.deposit_b_ntok << 64)
    inputs |= money(deposits)
    inputs["what"] = 2 + (slot << 8) + (deposits << 40)
    for name, each, value in (("first", a, channel.lane_ab), ("second", b, channel.lane_ba)):
        assert each.account is not None
        inputs[name] = each.account.l1_address + (lane_paid_ntok(value) << 160)
    return Lie(inputs | more, says_no)


def channel_with(says_no: set[str], **changes: int) -> Lie:
    return channel_as(replace(channel_at(left_state()), **changes), says_no)  # type: ignore[arg-type]


def raise_as(
    says_no: set[str],
    *,
    signer: Home = ANNA,
    lane: Lane = Lane.AB,
    value: int = RAISED,
    signed_lane: Lane | None = None,
    signed_value: int | None = None,
    slot: int = SLOT,
    domain: int = DOMAIN,
    more_id: int = 0,
) -> Lie:
    """A raise whose voucher is over something else than what is said, or by someone else."""
    state = left_state()
    over_lane = lane if signed_lane is None else signed_lane
    over = value if signed_value is None else signed_value
    given = voucher(state, over_lane, over, signer, domain=domain, more_id=more_id)
    inputs = case("raise ab") | signature_inputs("voucher/by", given.signature)
    inputs |= place_inputs("channel", slot, state.channel_siblings(slot))
    inputs |= channel_inputs("channel", channel_at(state, slot))
    inputs |= money(lane_paid_ntok(value))
    inputs["voucher/wh/value"] = value & (2**40 - 1)
    inputs["what/lane"] = int(lane)
    inputs["what"] = 3 + (slot << 8) + (int(lane) << 32) + (lane_paid_ntok(value) << 40)
    return Lie(inputs, says_no)


def unsigned() -> Lie:
    """With the signature that switched-off ones have."""
    return Lie(case("raise ab") | signature_inputs("voucher/by", DUMMY), {PINNED})


def added(name: str, says_no: set[str], changes: dict[str, int]) -> Lie:
    """A case with this added to its inputs, mod r."""
    inputs = case(name)
    for which, change in changes.items():
        inputs[which] = (inputs[which] + change) % R
    return Lie(inputs, says_no)
