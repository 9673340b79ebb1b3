"""Invariant: the inputs of an exit are made from its witness and from nothing else."""

from __future__ import annotations

from protocol.channels import Channel
from protocol.exits import (
    AccountExitWitness,
    ChannelExitWitness,
    ExitWitness,
    LaneRaiseWitness,
    exit_inputs,
)
from protocol.inclusion import AccountInclusion, ChannelInclusion
from protocol.state import TreeRoots
from protocol.units import AMOUNT_BITS, LANE_PAID_BITS
from prover.circuits.exit import PUBLIC
from prover.circuits.exit_leaves import account_inputs, channel_inputs
from prover.circuits.tree_place import NO_SIBLINGS, place_inputs
from prover.gadgets.schnorr import DUMMY, signature_inputs

Inputs = dict[str, int]


def circuit_inputs(witness: ExitWitness) -> Inputs:
    """All that the exit circuit is given."""
    inputs = dict(zip(PUBLIC, exit_inputs(witness).values(), strict=True))
    inputs["kind/value"] = int(witness.statement().KIND)
    match witness:
        case AccountExitWitness():
            return inputs | _account_exit(witness)
        case ChannelExitWitness():
            return inputs | _channel_exit(witness)
        case LaneRaiseWitness():
            return inputs | _lane_raise(witness)


def _account_exit(witness: AccountExitWitness) -> Inputs:
    inclusion, balance_ntok = witness.inclusion, witness.account.balance_ntok
    return {
        **_account("account_a", inclusion),
        **_no_account("account_b"),
        **place_inputs("channel"),
        **channel_inputs("channel", None),
        **_trees(inclusion.tree_roots()),
        **_what(balance_ntok),
        **_no_voucher(),
    }


def _channel_exit(witness: ChannelExitWitness) -> Inputs:
    channel = witness.channel
    return {
        **_account("account_a", witness.inclusion_a),
        **_account("account_b", witness.inclusion_b),
        **_channel(witness.inclusion, channel),
        **_trees(witness.inclusion.tree_roots()),
        **_what(channel.deposit_a_ntok + (channel.deposit_b_ntok << AMOUNT_BITS)),
        **_no_voucher(),
    }


def _lane_raise(witness: LaneRaiseWitness) -> Inputs:
    channel, voucher = witness.channel, witness.voucher
    return {
        **_no_account("account_a", channel.a_index, witness.domain),
        **_no_account("account_b", channel.b_index),
        **_channel(witness.inclusion, channel),
        **_trees(witness.inclusion.tree_roots()),
        **_what(witness.statement().paid_ntok, int(voucher.lane)),
        "voucher/wh/value": witness.energy_wh,
        **signature_inputs("voucher/by", voucher.signature),
    }


def _account(scope: str, inclusion: AccountInclusion) -> Inputs:
    place = place_inputs(scope, inclusion.index, inclusion.siblings)
    return place | account_inputs(scope, inclusion.account)


def _no_account(scope: str, index: int = 0, domain: int = 0) -> Inputs:
    return place_inputs(scope, index, NO_SIBLINGS) | account_inputs(scope, None, domain=domain)


def _channel(inclusion: ChannelInclusion, channel: Channel) -> Inputs:
    place = place_inputs("channel", inclusion.slot, inclusion.siblings)
    return place | channel_inputs("channel", channel)


def _trees(roots: TreeRoots) -> Inputs:
    return {
        "trees/accounts_root": roots.accounts_root,
        "trees/channels_root": roots.channels_root,
    }


def _what(money: int, lane: int = 0) -> Inputs:
    return {
        "what/lane": lane,
        "what/money/paid/value": money & ((1 << LANE_PAID_BITS) - 1),
        "what/money/above_paid/value": (money & ((1 << AMOUNT_BITS) - 1)) >> LANE_PAID_BITS,
        "what/money/upper/value": money >> AMOUNT_BITS,
    }


def _no_voucher() -> Inputs:
    return {"voucher/wh/value": 0, **signature_inputs("voucher/by", DUMMY)}
