"""Invariant: the trial exits use every point of a key that an exit of anybody's could use, but for
some bits of a signature, which no made-up signature has all of.

A proof uses the points of wires that are not 0. So every field of these exits has all its bits.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status
from protocol.crypto.merkle import ARITY
from protocol.crypto.schnorr import key_hash, public_key, sign
from protocol.exits import ExitWitness, account_exit, channel_exit, lane_raise
from protocol.state import State
from protocol.units import (
    ADDRESS_BITS,
    AMOUNT_BITS,
    DOMAIN_BITS,
    INDEX_BITS,
    LANE_BITS,
    NONCE_BITS,
    TIME_BITS,
    TOTAL_WH_BITS,
    WINDOW_BITS,
)
from protocol.vouchers import Voucher, voucher_message

_SECRET = 0x7A_7A << 200 | 1


def trial_exits() -> list[ExitWitness]:
    """An account, a channel, and raises in both of two channels; made up."""
    last, domain = _ones(INDEX_BITS), _ones(DOMAIN_BITS)
    hashed = key_hash(public_key(_SECRET))
    totals = _ones(TOTAL_WH_BITS), _ones(TOTAL_WH_BITS)
    owner = hashed, _ones(ADDRESS_BITS), _ones(NONCE_BITS), _ones(AMOUNT_BITS)
    accounts = {last - i: Account(*owner, *totals) for i in range(ARITY)}
    channel = Channel(
        a_index=last,
        b_index=last - 1,
        epoch=_ones(NONCE_BITS),
        window_s=_ones(WINDOW_BITS),
        status=Status.CLOSING,
        deadline=_ones(TIME_BITS),
        deposit_a_ntok=_ones(AMOUNT_BITS),
        deposit_b_ntok=_ones(AMOUNT_BITS),
        lane_ab=_ones(LANE_BITS),
        lane_ba=_ones(LANE_BITS),
        key_hash_a=hashed,
        key_hash_b=hashed,
    )
    turned = replace(channel, a_index=last - 1, b_index=last)
    others = {last - i: replace(channel, epoch=i) for i in range(2, ARITY)}
    state = State.of(accounts, {last: channel, last - 1: turned, **others})
    raises = []
    for slot, lane in ((last, Lane.AB), (last - 1, Lane.BA)):
        channel_id = (channel if slot == last else turned).id
        message = voucher_message(domain, channel_id, lane, _ones(LANE_BITS))
        signature = sign(_SECRET, message, bytes(32))
        voucher = Voucher(channel_id, lane, _ones(LANE_BITS), signature)
        raises.append(lane_raise(state, slot, voucher, domain))
    return [account_exit(state, last), channel_exit(state, last), *raises]


def _ones(bits: int) -> int:
    return (1 << bits) - 1
