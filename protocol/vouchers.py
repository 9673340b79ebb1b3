"""A voucher: the payer's signature over the whole of what it has promised in one lane.

The highest one wins; an old one only hurts whoever submits it. Ref: docs/protocol.md section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.channels import Lane, check_lane
from protocol.crypto.poseidon import Tag, h4
from protocol.crypto.schnorr import Signature
from protocol.units import CHANNEL_ID_BITS, DOMAIN_BITS, LANE_BITS, check_range

NO_LOCK = 0
"""Kept for hash-locked conditional payments; always 0 in version 1."""


def voucher_message(domain: int, channel_id: int, lane: Lane, lane_value: int) -> int:
    """H4(TAG_VOUCHER; domain, channel_id + lane 2^96, lane value, lock = 0)."""
    check_range("domain", domain, DOMAIN_BITS)
    check_range("channel_id", channel_id, CHANNEL_ID_BITS)
    check_lane("lane", lane)
    check_range("lane_value", lane_value, LANE_BITS)
    return h4(Tag.VOUCHER, domain, channel_id + (int(lane) << 96), lane_value, NO_LOCK)


@dataclass(frozen=True, slots=True)
class Voucher:
    """A signed lane value. Nothing about the signature is checked before it is verified.

    Raises OutOfRange for a field that does not fit its bits.
    """

    channel_id: int
    lane: Lane
    lane_value: int
    signature: Signature

    def __post_init__(self) -> None:
        check_range("channel_id", self.channel_id, CHANNEL_ID_BITS)
        check_lane("lane", self.lane)
        check_range("lane_value", self.lane_value, LANE_BITS)

    def message(self, domain: int) -> int:
        """The field element that the payer signed."""
        return voucher_message(domain, self.channel_id, self.lane, self.lane_value)
