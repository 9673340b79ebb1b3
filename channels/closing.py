"""A CLOSE says exactly what both sides hold, expires within the hour, and then silences the lanes.

Pure, as lanes.py. Ref: docs/protocol.md section 4: "Nodes sign a CLOSE only with lanes equal to
the highest vouchers exchanged and valid_until at most an hour ahead, then neither sign nor accept
a voucher in that channel until valid_until and a day more have passed on L1".
"""

from __future__ import annotations

from dataclasses import replace

from channels.errors import (
    BadVoucherSignature,
    ChannelClosing,
    ChannelNotFinal,
    CloseExpiry,
    CloseMismatch,
    WrongChannel,
    WrongVoucherKey,
)
from channels.lanes import ChannelState, Sign, SignedClose, VerifiedLeaf
from channels.policy import CLOSE_LOCK_S, CLOSE_VALID_S
from protocol.channels import Lane
from protocol.crypto.schnorr import Signature, key_hash, verify
from protocol.transactions import Close, Transaction

_PROPOSED_VALID_S = CLOSE_VALID_S - 600
"""Leaves ten minutes for two nodes that do not see the same newest L1 block."""


def _present(state: ChannelState) -> VerifiedLeaf:
    if state.is_gone:
        raise ChannelClosing(state.channel_id)
    if state.verified is None:
        raise ChannelNotFinal(state.channel_id)
    return state.verified


def propose_close(state: ChannelState, l1_time: int) -> Close:
    """The CLOSE over what this side holds. Raises ChannelNotFinal, ChannelClosing."""
    leaf = _present(state).leaf
    lane_ab, lane_ba = state.lanes
    return Close(
        channel_id=state.channel_id,
        lane_ab=lane_ab,
        lane_ba=lane_ba,
        deposit_a_ntok=leaf.deposit_a_ntok,
        deposit_b_ntok=leaf.deposit_b_ntok,
        valid_until=l1_time + _PROPOSED_VALID_S,
    )


def check_close(state: ChannelState, body: Close, l1_time: int) -> None:
    """Whether this side may sign `body`; `l1_time`: the newest L1 block's timestamp.

    Raises WrongChannel, CloseMismatch, CloseExpiry, ChannelNotFinal, ChannelClosing.
    """
    leaf = _present(state).leaf
    if body.channel_id != state.channel_id:
        raise WrongChannel(state.channel_id, body.channel_id)
    lane_ab, lane_ba = state.lanes
    for what, expected, given in (
        ("lane_ab", lane_ab, body.lane_ab),
        ("lane_ba", lane_ba, body.lane_ba),
        ("deposit_a_ntok", leaf.deposit_a_ntok, body.deposit_a_ntok),
        ("deposit_b_ntok", leaf.deposit_b_ntok, body.deposit_b_ntok),
    ):
        if given != expected:
            raise CloseMismatch(what, expected, given)
    if not l1_time <= body.valid_until <= l1_time + CLOSE_VALID_S:
        raise CloseExpiry(body.valid_until, l1_time)


def sign_close(
    state: ChannelState,
    body: Close,
    l1_time: int,
    sign: Sign,
    peer_signature: Signature | None = None,
) -> ChannelState:
    """The state in which this side has signed `body` and the lanes are silent.

    With `peer_signature`, which must verify, the CLOSE is complete. Raises as `check_close`,
    WrongVoucherKey, BadVoucherSignature.
    """
    check_close(state, body, l1_time)
    if peer_signature is not None:
        _check_peer(state, body, peer_signature)
    # An earlier CLOSE that has not run out keeps its hold: the longer lock counts.
    earlier = state.close.locked_until if state.close else 0
    locked_until = max(earlier, body.valid_until + CLOSE_LOCK_S)
    signature = sign(body.message(state.domain))
    return replace(state, close=SignedClose(body, signature, peer_signature, locked_until))


def complete_close(state: ChannelState, peer_signature: Signature) -> ChannelState:
    """The state with the peer's signature added to the CLOSE that this side signed first.

    Raises ChannelNotFinal where no CLOSE was signed, WrongVoucherKey, BadVoucherSignature.
    """
    if state.close is None:
        raise ChannelNotFinal(state.channel_id)
    _check_peer(state, state.close.body, peer_signature)
    return replace(state, close=replace(state.close, peer_signature=peer_signature))


def _check_peer(state: ChannelState, body: Close, signature: Signature) -> None:
    leaf = _present(state).leaf
    if key_hash(signature.key) != leaf.key_hash(state.peer_side):
        raise WrongVoucherKey(state.channel_id)
    if not verify(signature, body.message(state.domain)):
        raise BadVoucherSignature(state.channel_id)


def close_transaction(state: ChannelState) -> Transaction | None:
    """The CLOSE with A's then B's signature, or None while one is missing."""
    close = state.close
    if close is None or close.peer_signature is None:
        return None
    own, peer = close.own_signature, close.peer_signature
    return Transaction(close.body, (own, peer) if state.side is Lane.AB else (peer, own))
