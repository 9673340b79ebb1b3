"""One honest exit of each kind, and what goes differently within one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.crypto.jubjub import IDENTITY
from protocol.crypto.schnorr import Signature, key_hash
from protocol.exits import ExitWitness, LaneRaiseWitness, account_exit, channel_exit, lane_raise
from protocol.state import State
from protocol.vouchers import Voucher, voucher_message
from prover.circuits.exit_inputs import circuit_inputs
from tests.protocol.street import ANNA, BERT, CARL, DOMAIN, NOW, WINDOW_S, Home, home

Inputs = dict[str, int]

SLOT, OTHER_SLOT, FAR = 5, 2**24 - 1, 2**24 - 2
LANE_AB, LANE_BA = pack_lane(3_000, 90_000), pack_lane(500, 14_000)
RAISED = LANE_AB + pack_lane(700, 21_000)
HOMES = (ANNA, BERT, CARL, home(FAR))


def left_state(status: Status = Status.OPEN) -> State:
    """Four accounts that have traded before; Anna (A) and Bert (B) have a channel at SLOT and had
    opened another one at OTHER_SLOT, where nobody has paid yet.
    """
    accounts = {}
    for number, one in enumerate(HOMES):
        leaf = one.account(1_000_000 + number, nonce=7 + number)
        accounts[one.index] = replace(leaf, sold_wh=10**6 + number, bought_wh=10**5)
    deadline = NOW if status is Status.CLOSING else 0
    ends = (ANNA.index, BERT.index, 3, WINDOW_S, status, deadline, 100_000, 40_000)
    keys = ANNA.key_hash, BERT.key_hash
    channel = Channel(*ends, LANE_AB, LANE_BA, *keys)
    fresh = replace(channel, epoch=4, lane_ab=0, lane_ba=0, deposit_b_ntok=0)
    return State.of(accounts, {SLOT: channel, OTHER_SLOT: fresh})


def channel_at(state: State, slot: int = SLOT) -> Channel:
    """The channel there."""
    channel = state.find_channel(slot)
    assert channel is not None
    return channel


def voucher(
    state: State, lane: Lane, value: int, signer: Home, *, domain: int = DOMAIN, more_id: int = 0
) -> Voucher:
    """Of the channel at SLOT (its id and `more_id`), signed by `signer`, whosever lane it is."""
    channel_id = channel_at(state).id + more_id
    signature = signer.sign(voucher_message(domain, channel_id, lane, value))
    return Voucher(channel_id, lane, value, signature)


def raised(state: State, lane: Lane, value: int, signer: Home) -> LaneRaiseWitness:
    """A raise of the channel at SLOT."""
    return lane_raise(state, SLOT, voucher(state, lane, value, signer), DOMAIN)


def by_identity() -> LaneRaiseWitness:
    """A channel whose A is the identity: nobody would pair up with it, but `verify` accepts it."""
    state = left_state()
    pinned = replace(channel_at(state), key_hash_a=key_hash(IDENTITY))
    state.write_channel(SLOT, pinned)
    nobody = Signature(IDENTITY, IDENTITY, 0)
    return lane_raise(state, SLOT, Voucher(pinned.id, Lane.AB, RAISED, nobody), DOMAIN)


EXIT_CASES: dict[str, Callable[[], ExitWitness]] = {
    "account": lambda: account_exit(left_state(), 0),
    "account afar": lambda: account_exit(left_state(), FAR),
    "channel": lambda: channel_exit(left_state(), SLOT),
    "channel that is closing": lambda: channel_exit(left_state(Status.CLOSING), SLOT),
    "raise ab": lambda: raised(left_state(), Lane.AB, RAISED, ANNA),
    "raise ba while closing": lambda: raised(
        left_state(Status.CLOSING), Lane.BA, pack_lane(2**40 - 1, 2**56 - 1), BERT
    ),
    "raise of nothing": lambda: raised(left_state(), Lane.BA, 0, BERT),
    "raise by the identity": by_identity,
}


def case(name: str) -> Inputs:
    """All inputs of a case."""
    return circuit_inputs(EXIT_CASES[name]())
