"""One honest exit of each kind, and what goes differently within one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from protocol.channels import Lane, pack_lane
from protocol.crypto.jubjub import IDENTITY
from protocol.crypto.schnorr import Signature, key_hash
from protocol.exits import ExitWitness, LaneRaiseWitness, account_exit, channel_exit, lane_raise
from protocol.state import State
from protocol.vouchers import Voucher, voucher_message
from prover.circuits.exit_inputs import circuit_inputs
from tests.protocol.street import ANNA, BERT, DOMAIN, Home
from tests.prover.circuits.cases import FAR, LANE_AB, SLOT, channel_of, street_with_channel
from tests.prover.circuits.lone import Inputs

RAISED = LANE_AB + pack_lane(700, 21_000)


def voucher(
    state: State, lane: Lane, value: int, signer: Home, *, domain: int = DOMAIN, more_id: int = 0
) -> Voucher:
    """Of the channel at SLOT (its id and `more_id`), signed by `signer`, whosever lane it is."""
    channel_id = channel_of(state).id + more_id
    signature = signer.sign(voucher_message(domain, channel_id, lane, value))
    return Voucher(channel_id, lane, value, signature)


def raised(state: State, lane: Lane, value: int, signer: Home) -> LaneRaiseWitness:
    """A raise of the channel at SLOT."""
    return lane_raise(state, SLOT, voucher(state, lane, value, signer), DOMAIN)


def unchecked(witness: LaneRaiseWitness, **changes: object) -> LaneRaiseWitness:
    """A witness that its own rules would refuse."""
    twin = replace(witness)
    for name, value in changes.items():
        object.__setattr__(twin, name, value)
    return twin


def by_identity() -> LaneRaiseWitness:
    """A channel whose A is the identity: nobody would pair up with it, but `verify` accepts it."""
    state = street_with_channel()
    nobody = Signature(IDENTITY, IDENTITY, 0)
    channel = channel_of(state)
    pinned = replace(channel, key_hash_a=key_hash(IDENTITY))
    state.write_channel(SLOT, pinned)
    return lane_raise(state, SLOT, Voucher(channel.id, Lane.AB, RAISED, nobody), DOMAIN)


EXIT_CASES: dict[str, Callable[[], ExitWitness]] = {
    "account": lambda: account_exit(street_with_channel(), 0),
    "account afar": lambda: account_exit(street_with_channel(), FAR),
    "channel": lambda: channel_exit(street_with_channel(), SLOT),
    "channel that is closing": lambda: channel_exit(street_with_channel(closing=True), SLOT),
    "raise ab": lambda: raised(street_with_channel(), Lane.AB, RAISED, ANNA),
    "raise ba while closing": lambda: raised(
        street_with_channel(closing=True), Lane.BA, pack_lane(2**40 - 1, 2**56 - 1), BERT
    ),
    "raise of nothing": lambda: raised(street_with_channel(), Lane.BA, 0, BERT),
    "raise by the identity": by_identity,
}


def case(name: str) -> Inputs:
    """All inputs of a case."""
    return circuit_inputs(EXIT_CASES[name]())
