"""The eight user transactions: their fields with widths, and the one message that each signs.

A message's nonce equals the account leaf's, which then grows by 1; `dv` binds the rollup's domain
and the time until which the signature can be used. Ref: docs/protocol.md section 4.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import ClassVar

from protocol.channels import Lane, check_lane
from protocol.crypto.poseidon import Tag, h4
from protocol.crypto.schnorr import Signature
from protocol.errors import Malformed
from protocol.units import (
    AMOUNT_BITS,
    CHANNEL_ID_BITS,
    DOMAIN_BITS,
    FEE_BITS,
    INDEX_BITS,
    LANE_BITS,
    NONCE_BITS,
    TIME_BITS,
    WINDOW_BITS,
    check_range,
)
from protocol.vouchers import voucher_message


class TxType(IntEnum):
    """The 4-bit type of a user slot; NOOP is padding and the only 0."""

    NOOP = 0
    TRANSFER = 1
    WITHDRAW = 2
    OPEN = 3
    TOP_UP = 4
    CLAIM = 5
    START_CLOSE = 6
    CLOSE = 7
    FINALIZE = 8


_WIDTHS: dict[str, int] = {
    "from_index": INDEX_BITS,
    "to_index": INDEX_BITS,
    "index": INDEX_BITS,
    "a_index": INDEX_BITS,
    "b_index": INDEX_BITS,
    "channel_id": CHANNEL_ID_BITS,
    "nonce": NONCE_BITS,
    "amount_ntok": AMOUNT_BITS,
    "deposit_ntok": AMOUNT_BITS,
    "deposit_a_ntok": AMOUNT_BITS,
    "deposit_b_ntok": AMOUNT_BITS,
    "fee_ntok": FEE_BITS,
    "window_s": WINDOW_BITS,
    "lane_value": LANE_BITS,
    "lane_ab": LANE_BITS,
    "lane_ba": LANE_BITS,
    "valid_until": TIME_BITS,
}
"""Bits of each integer field, whatever transaction it stands in."""


def _check_widths(body: Body) -> None:
    """Raises OutOfRange for the first field of a transaction that does not fit."""
    for field in fields(body):
        given = getattr(body, field.name)
        if field.name in ("side", "lane"):
            check_lane(field.name, given)
        else:
            check_range(field.name, given, _WIDTHS[field.name])


def domain_and_expiry(domain: int, valid_until: int) -> int:
    """dv = domain + valid_until 2^128."""
    check_range("domain", domain, DOMAIN_BITS)
    return domain + (check_range("valid_until", valid_until, TIME_BITS) << 128)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Balance to another existing account."""

    TYPE: ClassVar[TxType] = TxType.TRANSFER
    from_index: int
    to_index: int
    nonce: int
    amount_ntok: int
    fee_ntok: int
    valid_until: int

    def __post_init__(self) -> None:
        _check_widths(self)

    def message(self, domain: int) -> int:
        """H4(TAG_TRANSFER; dv, from + to 2^32 + nonce 2^64, amount + fee 2^64, 0)."""
        return h4(
            Tag.TRANSFER,
            domain_and_expiry(domain, self.valid_until),
            self.from_index + (self.to_index << 32) + (self.nonce << 64),
            self.amount_ntok + (self.fee_ntok << 64),
            0,
        )


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Balance out to the account's own L1 address."""

    TYPE: ClassVar[TxType] = TxType.WITHDRAW
    index: int
    nonce: int
    amount_ntok: int
    fee_ntok: int
    valid_until: int

    def __post_init__(self) -> None:
        _check_widths(self)

    def message(self, domain: int) -> int:
        """H4(TAG_WITHDRAW; dv, index + nonce 2^64, amount + fee 2^64, 0)."""
        return h4(
            Tag.WITHDRAW,
            domain_and_expiry(domain, self.valid_until),
            self.index + (self.nonce << 64),
            self.amount_ntok + (self.fee_ntok << 64),
            0,
        )


@dataclass(frozen=True, slots=True)
class Open:
    """A moves a deposit into a new channel with B, who need not be online."""

    TYPE: ClassVar[TxType] = TxType.OPEN
    a_index: int
    b_index: int
    nonce: int
    deposit_ntok: int
    fee_ntok: int
    window_s: int
    valid_until: int

    def __post_init__(self) -> None:
        _check_widths(self)

    def message(self, domain: int) -> int:
        """H4(TAG_OPEN; dv, a + b 2^32 + nonce 2^64, deposit + fee 2^64 + window 2^128, 0)."""
        return h4(
            Tag.OPEN,
            domain_and_expiry(domain, self.valid_until),
            self.a_index + (self.b_index << 32) + (self.nonce << 64),
            self.deposit_ntok + (self.fee_ntok << 64) + (self.window_s << 128),
            0,
        )


@dataclass(frozen=True, slots=True)
class TopUp:
    """A side adds to its own deposit in an open channel."""

    TYPE: ClassVar[TxType] = TxType.TOP_UP
    channel_id: int
    side: Lane
    nonce: int
    amount_ntok: int
    fee_ntok: int
    valid_until: int

    def __post_init__(self) -> None:
        _check_widths(self)

    def message(self, domain: int) -> int:
        """H4(TAG_TOP_UP; dv, channel_id + side 2^96 + nonce 2^104, amount + fee 2^64, 0)."""
        return h4(
            Tag.TOP_UP,
            domain_and_expiry(domain, self.valid_until),
            self.channel_id + (int(self.side) << 96) + (self.nonce << 104),
            self.amount_ntok + (self.fee_ntok << 64),
            0,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """A voucher, submitted by anyone; in a closing channel it is the challenge.

    Its one signature is the payer's over the voucher's message.
    """

    TYPE: ClassVar[TxType] = TxType.CLAIM
    channel_id: int
    lane: Lane
    lane_value: int

    def __post_init__(self) -> None:
        _check_widths(self)

    def message(self, domain: int) -> int:
        """The voucher's message."""
        return voucher_message(domain, self.channel_id, self.lane, self.lane_value)


@dataclass(frozen=True, slots=True)
class StartClose:
    """A side starts the challenge window of an open channel."""

    TYPE: ClassVar[TxType] = TxType.START_CLOSE
    channel_id: int
    side: Lane
    nonce: int
    valid_until: int

    def __post_init__(self) -> None:
        _check_widths(self)

    def message(self, domain: int) -> int:
        """H4(TAG_START_CLOSE; dv, channel_id + side 2^96 + nonce 2^104, 0, 0)."""
        return h4(
            Tag.START_CLOSE,
            domain_and_expiry(domain, self.valid_until),
            self.channel_id + (int(self.side) << 96) + (self.nonce << 104),
            0,
            0,
        )


@dataclass(frozen=True, slots=True)
class Close:
    """Both sides sign lanes and deposits; pays out at once. Signatures: A's, then B's."""

    TYPE: ClassVar[TxType] = TxType.CLOSE
    channel_id: int
    lane_ab: int
    lane_ba: int
    deposit_a_ntok: int
    deposit_b_ntok: int
    valid_until: int

    def __post_init__(self) -> None:
        _check_widths(self)

    def message(self, domain: int) -> int:
        """H4(TAG_CLOSE; dv, channel_id, lane_ab + lane_ba 2^96, deposit_a + deposit_b 2^64)."""
        return h4(
            Tag.CLOSE,
            domain_and_expiry(domain, self.valid_until),
            self.channel_id,
            self.lane_ab + (self.lane_ba << 96),
            self.deposit_a_ntok + (self.deposit_b_ntok << 64),
        )


@dataclass(frozen=True, slots=True)
class Finalize:
    """Anyone ends a closing channel whose deadline is covered. Unsigned."""

    TYPE: ClassVar[TxType] = TxType.FINALIZE
    channel_id: int

    def __post_init__(self) -> None:
        _check_widths(self)


Body = Transfer | Withdraw | Open | TopUp | Claim | StartClose | Close | Finalize

SIGNATURES: dict[TxType, int] = {
    TxType.TRANSFER: 1,
    TxType.WITHDRAW: 1,
    TxType.OPEN: 1,
    TxType.TOP_UP: 1,
    TxType.CLAIM: 1,
    TxType.START_CLOSE: 1,
    TxType.CLOSE: 2,
    TxType.FINALIZE: 0,
}
"""How many signatures each type carries."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """A body with its signatures. Raises Malformed for the wrong number of them."""

    body: Body
    signatures: tuple[Signature, ...] = ()

    def __post_init__(self) -> None:
        needed = SIGNATURES[self.body.TYPE]
        if len(self.signatures) != needed:
            raise Malformed(
                f"{self.body.TYPE.name} carries {needed} signatures, not {len(self.signatures)}"
            )
