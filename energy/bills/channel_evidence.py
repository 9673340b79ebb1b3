"""Whether the lanes that a bill states are real: signed by their payers, or brought to L1.

The payer's key is the one that the channel's leaf pins, as the household's own node verified it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from energy.bills.figures import lane_name
from energy.bills.reckoning import PaidChannel
from protocol.channels import Lane, lane_paid_ntok, lane_wh
from protocol.crypto.schnorr import key_hash, verify


@dataclass(frozen=True, slots=True)
class OwnChannel:
    """A channel as the household's own node has it now. `key_hashes`: pinned, of sides A and B."""

    side: Lane
    lane_ab: int
    lane_ba: int
    key_hashes: tuple[int, int]


def channel_fault(channel: PaidChannel, own: Mapping[int, OwnChannel], domain: int) -> str:
    """What is wrong with a channel of a bill, "" where nothing is. `own`: by channel id."""
    known = own.get(channel.channel_id)
    if known is None:
        return f"your node knows no channel {channel.channel_id:#x}"
    if known.side is not channel.side:
        return f"your side of channel {channel.channel_id:#x} is {known.side.name}"
    for lane, highest in ((Lane.AB, known.lane_ab), (Lane.BA, known.lane_ba)):
        wrong = _lane_fault(channel, lane, highest, known.key_hashes[lane], domain)
        if wrong:
            return f"channel {channel.channel_id:#x}, lane {lane_name(lane)}: {wrong}"
    return ""


def _lane_fault(channel: PaidChannel, lane: Lane, highest: int, payer: int, domain: int) -> str:
    value = channel.lane_value(lane)
    if value > highest:
        known, said = (f"{lane_wh(one)} Wh, {lane_paid_ntok(one)} ntok" for one in (highest, value))
        return f"your node has {known}, the bill {said}"
    vouchers = [one for one in channel.vouchers if one.lane is lane]
    for voucher in vouchers:
        if voucher.channel_id != channel.channel_id or voucher.lane_value != value:
            return "its voucher is for something else"
        if key_hash(voucher.signature.key) != payer:
            return "another key than the payer's has signed its voucher"
        if not verify(voucher.signature, voucher.message(domain)):
            return "the payer has not signed its voucher"
    on_l1 = any(one.lane is lane and one.lane_value >= value for one in channel.on_l1)
    if value and not vouchers and not on_l1:
        return "there is neither a voucher nor a batch that has it"
    return ""
