"""What travels between two nodes: small JSON texts, one class each, read strictly or refused.

Integers are decimal strings; a request has an `id` of its sender's choosing, and exactly one
answer carries the same id back. Encoding then decoding gives an equal frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from channels.errors import BadFrame
from protocol.codec import (
    signature_from_json,
    signature_to_json,
    to_int,
    transaction_from_json,
    voucher_from_json,
    voucher_to_json,
)
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.transactions import Close
from protocol.vouchers import Voucher

VERSION = 1
MAX_FRAME_BYTES = 8_192
_MAX_TEXT = 500
_MAX_NESTED = _MAX_TEXT + 50
"""Brackets in a frame, a text's own among them: a parser's stack is not for strangers to fill."""


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

_NAMES: dict[type[Frame], str] = {
    Hello: "hello",
    Proof: "proof",
    Pay: "pay",
    Ack: "ack",
    Nack: "nack",
    Present: "present",
    Newest: "newest",
    AskPaid: "ask_paid",
    Ask: "ask",
    Standing: "standing",
    CloseAsk: "close_ask",
    CloseOffer: "close_offer",
    CloseSigned: "close_signed",
}


def _text(name: str, given: object) -> str:
    if not isinstance(given, str) or len(given) > _MAX_TEXT:
        raise BadFrame(f"{name} is not a text of at most {_MAX_TEXT} characters")
    return given


def _close(_: str, given: object) -> Close:
    signature = {"key": ["0", "0"], "r": ["0", "0"], "s": "0"}
    document = {"type": "close", "body": given, "signatures": [signature, signature]}
    body = transaction_from_json(document).body
    if not isinstance(body, Close):
        raise BadFrame("not a CLOSE")
    return body


_Writer = Callable[[Any], Any]
_Reader = Callable[[str, object], Any]
_FORMS: dict[Any, tuple[_Writer, _Reader]] = {
    int: (str, to_int),
    str: (lambda text: text, _text),
    Voucher: (voucher_to_json, lambda _, given: voucher_from_json(given)),
    Voucher | None: (
        lambda voucher: voucher and voucher_to_json(voucher),
        lambda _, given: None if given is None else voucher_from_json(given),
    ),
    Signature: (signature_to_json, lambda _, given: signature_from_json(given)),
    Close: (
        lambda body: {field.name: str(getattr(body, field.name)) for field in fields(body)},
        _close,
    ),
}
_LAYOUTS: dict[str, tuple[type[Frame], dict[str, tuple[_Writer, _Reader]]]] = {
    name: (kind, {field: _FORMS[type_] for field, type_ in get_type_hints(kind).items()})
    for kind, name in _NAMES.items()
}


def encode(frame: Frame) -> str:
    """The frame as JSON text."""
    name = _NAMES[type(frame)]
    document: dict[str, Any] = {"type": name}
    for field, (write, _) in _LAYOUTS[name][1].items():
        document[field] = write(getattr(frame, field))
    return json.dumps(document, separators=(",", ":"))


def decode(text: str | bytes) -> Frame:
    """The frame of a text. Raises BadFrame."""
    if isinstance(text, bytes):
        raise BadFrame("a binary frame; this version speaks text")
    if len(text) > MAX_FRAME_BYTES or text.count("[") + text.count("{") > _MAX_NESTED:
        raise BadFrame("too large or too deep")
    try:
        document = json.loads(text)
    except ValueError:
        raise BadFrame("not JSON") from None
    name = document.pop("type", None) if isinstance(document, dict) else None
    if not isinstance(name, str) or name not in _LAYOUTS:
        raise BadFrame("no known type")
    kind, layout = _LAYOUTS[name]
    if document.keys() != layout.keys():
        raise BadFrame(f"{name} has other fields than {sorted(layout)}")
    try:
        return kind(**{field: read(field, document[field]) for field, (_, read) in layout.items()})
    except ProtocolError as error:
        raise BadFrame(f"{name}: {error}") from error
