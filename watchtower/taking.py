"""What a watchtower takes: records of channels in a final root, and only true clear vouchers.

Pure: the replayed state and a record in, nothing or a refusal out.
"""

from __future__ import annotations

from channels.errors import BadHandover
from channels.handover import Handover, Kind, unpack_voucher
from channels.lanes import safe_key
from protocol.channels import Channel
from protocol.crypto.schnorr import key_hash, verify
from protocol.errors import UnknownChannel
from protocol.state import State
from protocol.vouchers import Voucher
from watchtower.errors import BadVoucher, ChannelNotFinal, MalformedRequest


def leaf_of(state: State, channel_id: int) -> tuple[int, Channel]:
    """A channel's slot and leaf. Raises ChannelNotFinal."""
    try:
        slot = state.slot_of(channel_id)
    except UnknownChannel:
        raise ChannelNotFinal(channel_id) from None
    leaf = state.find_channel(slot)
    assert leaf is not None, "slot_of names slots that are in use"
    return slot, leaf


def check_handover(state: State, domain: int, given: Handover) -> None:
    """Raises ChannelNotFinal, MalformedRequest, BadVoucher."""
    _, leaf = leaf_of(state, given.name.channel_id)
    try:
        if given.kind is not Kind.CLEAR:
            return
        voucher = unpack_voucher(given.name, given.body)
    except BadHandover as error:
        raise MalformedRequest(error.reason) from error
    if voucher.lane_value != given.number:
        raise MalformedRequest("a clear voucher's number is its lane value")
    problem = problem_of(voucher, leaf, domain)
    if problem is not None:
        raise BadVoucher(voucher.channel_id, problem)


def problem_of(voucher: Voucher, leaf: Channel, domain: int) -> str | None:
    """Why a CLAIM of this voucher would fail in this channel, or None."""
    key = voucher.signature.key
    if key_hash(key) != leaf.key_hash(voucher.lane):
        return "its key is not the lane's pinned one"
    if not safe_key(key):
        return "its key is of small order"
    if not verify(voucher.signature, voucher.message(domain)):
        return "its signature does not verify"
    return None
