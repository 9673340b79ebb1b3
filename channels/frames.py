"""What travels between two nodes: small frames, one class each (as bytes: channels/frame_codec.py).

A request has an `id` of its sender's choosing, and exactly one answer carries the same id back.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.crypto.schnorr import Signature
from protocol.transactions import Close
from protocol.vouchers import Voucher

VERSION = 2
"""1 spoke JSON, and so cannot read even the refusal."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First frame of each end: who it is, whom it wants, and 32 random bytes in hex."""

    version: int
    domain: int
    sender: int
    receiver: int
    challenge: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The sender's signature over both hellos."""

    signature: Signature


@dataclass(frozen=True, slots=True)
class Pay:
    """One payment: the voucher raises its lane by exactly this energy at this price."""

    id: int
    payment_id: str
    voucher: Voucher
    energy_wh: int
    price_utok_per_kwh: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Done, durably. For a payment: the lane value on the payee's disk."""

    id: int
    lane_value: int


@dataclass(frozen=True, slots=True)
class Nack:
    """Refused, and nothing changed; `code` is the error's class name."""

    id: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Present:
    """Which copy of the sender's node this is, signed by its account (channels/copies.py)."""

    id: int
    epoch: int
    instance: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class Newest:
    """The answer: the newest copy of the asker's node that the answerer has seen."""

    id: int
    epoch: int
    instance: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class AskPaid:
    """Whether a payment has come before. The answer is an Ack: its lane value, 0 if it has not."""

    id: int
    channel_id: int
    payment_id: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Whether the receiver takes vouchers in a channel, and what it holds."""

    id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer: `code` empty if it takes them, and its trust limit; the highest voucher that it
    holds of the asker's, and the highest of its own that the asker has acknowledged."""

    id: int
    code: str
    detail: str
    trust_limit_ntok: int
    received: Voucher | None
    settled: Voucher | None


@dataclass(frozen=True, slots=True)
class CloseAsk:
    """Please stop paying in this channel and compare lanes: a CLOSE is to follow."""

    id: int
    channel_id: int
    lane_ab: int
    lane_ba: int


@dataclass(frozen=True, slots=True)
class CloseOffer:
    """A CLOSE with the sender's signature; the answer is CloseSigned or Nack."""

    id: int
    body: Close
    signature: Signature


@dataclass(frozen=True, slots=True)
class CloseSigned:
    """The receiver's signature over the CLOSE offered."""

    id: int
    signature: Signature


Request = Pay | Ask | AskPaid | Present | CloseAsk | CloseOffer
Answer = Ack | Nack | Standing | Newest | CloseSigned
Frame = Hello | Proof | Request | Answer
