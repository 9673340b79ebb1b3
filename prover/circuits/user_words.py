"""Invariant: what is signed, what L1 gets as data and what it pays out are as protocol/ packs them.

Each is one sum over the types, of which exactly one counts. Ref: protocol.transactions,
protocol.vouchers, protocol.data, protocol.trace.
"""

from __future__ import annotations

from protocol.crypto.poseidon import Tag
from protocol.data import FIELDS, TYPE_BITS
from protocol.transactions import TxType
from protocol.units import (
    ADDRESS_BITS,
    AMOUNT_BITS,
    CHANNEL_ID_BITS,
    DOMAIN_BITS,
    LANE_BITS,
)
from prover.circuits.conditions import tag_of, tagged_hash4
from prover.circuits.user_inputs import UserSlot
from prover.gadgets.compare import is_zero
from prover.gadgets.select import is_both, masked, select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc

_INDEX_SHIFT = 32
_CHANNEL_NONCE_SHIFT = 104


class SlotWords:
    """The words of a slot that more than one of them needs. 4 constraints."""

    def __init__(self, b: Builder, slot: UserSlot) -> None:
        kind = slot.kind
        lanes = slot.lane_ab.value + slot.lane_ba.value * (1 << LANE_BITS)
        claimed = select(b, slot.side, slot.lane_ba.value, slot.lane_ab.value, label="lane")
        self.claimed_lane = masked(b, kind.claim, claimed, label="claimed lane")
        self.closing_lanes = masked(b, kind.close, lanes, label="lanes of CLOSE")
        self.opened_window = masked(b, kind.open, slot.channel.window_s, label="window of OPEN")


def signed_message(b: Builder, slot: UserSlot, words: SlotWords) -> Lc:
    """The message that both signatures are over; meaningless where nothing is signed. 304.

    amount, fee, valid_until and side are 0 wherever the type has none.
    """
    kind, channel = slot.kind, slot.channel
    nonce = slot.nonce
    tag = tag_of(
        (
            (kind.transfer, Tag.TRANSFER),
            (kind.withdraw, Tag.WITHDRAW),
            (kind.open, Tag.OPEN),
            (kind.top_up, Tag.TOP_UP),
            (kind.claim, Tag.VOUCHER),
            (kind.start_close, Tag.START_CLOSE),
            (kind.close, Tag.CLOSE),
        )
    )
    with b.scope("message"):
        expiry = slot.domain + slot.valid_until * (1 << DOMAIN_BITS)
        accounts = Lc.total(
            (
                (1, slot.place_1.tree.index),
                (1 << _INDEX_SHIFT, slot.place_2.tree.index),
                (1 << 2 * _INDEX_SHIFT, nonce),
            )
        )
        named = masked(b, kind.names_accounts, accounts, label="accounts and nonce")
        in_channel = channel.id + slot.side * (1 << CHANNEL_ID_BITS)
        named = b.mul(in_channel, _signs_channel(slot), named, label="channel")
        nonce_too = Bit((kind.top_up + kind.start_close).terms)
        shifted = nonce * (1 << _CHANNEL_NONCE_SHIFT)
        named = b.mul(shifted, nonce_too, named, label="channel and nonce")
        money = slot.amount_ntok + slot.fee_ntok * (1 << AMOUNT_BITS)
        what = Lc.total(
            (
                (1, money),
                (1 << 2 * AMOUNT_BITS, words.opened_window),
                (1, words.claimed_lane),
                (1, words.closing_lanes),
            )
        )
        deposits = masked(b, kind.close, channel.deposits, label="deposits of CLOSE")
        return tagged_hash4(b, tag, (expiry, named, what, deposits), label="hash")


def _signs_channel(slot: UserSlot) -> Bit:
    return Bit((slot.kind.by_side + slot.kind.close).terms)


def data_element(b: Builder, slot: UserSlot, words: SlotWords) -> Lc:
    """The slot's data element. 6 constraints."""
    kind = slot.kind
    first, second = slot.place_1.tree.index, slot.place_2.tree.index
    place = slot.place_c.index
    amount, fee = slot.amount_ntok, slot.fee_ntok
    fields: dict[TxType, dict[str, Lc]] = {
        TxType.TRANSFER: {
            "from_index": first,
            "to_index": second,
            "amount_ntok": amount,
            "fee_ntok": fee,
        },
        TxType.WITHDRAW: {"index": first, "amount_ntok": amount, "fee_ntok": fee},
        TxType.OPEN: {
            "a_index": first,
            "b_index": second,
            "slot": place,
            "deposit_ntok": amount,
            "fee_ntok": fee,
            "window_s": slot.channel.window_s,
        },
        TxType.TOP_UP: {"slot": place, "side": slot.side, "amount_ntok": amount, "fee_ntok": fee},
    }
    with b.scope("data"):
        element = kind.number
        for bit, tx_type in (
            (kind.transfer, TxType.TRANSFER),
            (kind.withdraw, TxType.WITHDRAW),
            (kind.open, TxType.OPEN),
            (kind.top_up, TxType.TOP_UP),
        ):
            packed = _packed(tx_type, fields[tx_type])
            element = b.mul(packed, bit, element, label=tx_type.name)
        # The others start alike: slot, then side, which is 0 for CLOSE and FINALIZE.
        side_shift = _shift(TxType.CLAIM, "lane")
        in_place = place * (1 << TYPE_BITS) + slot.side * (1 << side_shift)
        others = Bit(
            Lc.total(
                ((1, kind.claim), (1, kind.start_close), (1, kind.close), (1, kind.finalize))
            ).terms
        )
        element += words.claimed_lane * (1 << _shift(TxType.CLAIM, "lane_value"))
        element += words.closing_lanes * (1 << _shift(TxType.CLOSE, "lane_ab"))
        return b.mul(in_place, others, element, label="slot and side")


def _shift(tx_type: TxType, field: str) -> int:
    shift = TYPE_BITS
    for name, bits in FIELDS[tx_type]:
        if name == field:
            return shift
        shift += bits
    raise KeyError(field)


def _packed(tx_type: TxType, values: dict[str, Lc]) -> Lc:
    return Lc.total((1 << _shift(tx_type, name), values[name]) for name, _ in FIELDS[tx_type])


def withdrawal_element(b: Builder, slot: UserSlot) -> Lc:
    """l1_address + amount 2^160 for a WITHDRAW of amount > 0, else 0. 4 constraints."""
    with b.scope("withdrawal"):
        nothing = is_zero(b, slot.amount_ntok, label="amount is zero")
        pays = is_both(b, slot.kind.withdraw, ~nothing, label="pays out to L1")
        element = slot.l1_address + slot.amount_ntok * (1 << ADDRESS_BITS)
        return masked(b, pays, element, label="element")
