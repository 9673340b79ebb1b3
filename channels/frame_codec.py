"""Frames as bytes: one way to write each, read strictly or refused. Many may share a message.

A frame is its length (2 bytes), its tag (1 byte) and its fields in order: an integer as its length
(1 byte) and its bytes without leading zeros, a text as its length (2 bytes) and UTF-8, a field
element in 32 bytes, a voucher and a signature in a fixed width; all big-endian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial
from operator import attrgetter
from typing import Any, get_args, get_type_hints

from channels.errors import BadFrame
from channels.frames import (
    Ack,
    Ask,
    AskPaid,
    CloseAsk,
    CloseOffer,
    CloseSigned,
    Frame,
    Hello,
    Nack,
    Newest,
    Pay,
    Present,
    Proof,
    Standing,
)
from protocol.channels import Lane
from protocol.crypto.field import check_fr
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.transactions import Close
from protocol.vouchers import Voucher

MAX_FRAME_BYTES = 8_192
MAX_MESSAGE_BYTES = 16_000
"""Of all frames in one message; sealed for the relay it must stay below what that carries."""
_MAX_TEXT = 500
_MAX_INT_BYTES = 32
_FR_BYTES, _LANE_BYTES, _CHANNEL_BYTES = 32, 12, 12
_SIGNATURE_BYTES = 5 * _FR_BYTES
_VOUCHER_BYTES = _CHANNEL_BYTES + 1 + _LANE_BYTES + _SIGNATURE_BYTES

_TAGS: dict[type[Frame], int] = {
    Hello: 1,
    Proof: 2,
    Pay: 3,
    Ack: 4,
    Nack: 5,
    Ask: 6,
    Standing: 7,
    CloseAsk: 8,
    CloseOffer: 9,
    CloseSigned: 10,
    Present: 11,
    Newest: 12,
    AskPaid: 13,
}

_Writer = Callable[[Any], bytes]
_Reader = Callable[[bytes, int], tuple[Any, int]]
"""From a frame and a place in it: the field, and where the next one starts."""


def _taken(frame: bytes, at: int, count: int) -> tuple[bytes, int]:
    end = at + count
    if end > len(frame):
        raise BadFrame("cut short")
    return frame[at:end], end


def _write_int(number: int) -> bytes:
    count = (number.bit_length() + 7) >> 3
    return bytes((count,)) + number.to_bytes(count, "big")


def _read_int(frame: bytes, at: int) -> tuple[int, int]:
    (count,), at = _taken(frame, at, 1)
    written, at = _taken(frame, at, count)
    if count > _MAX_INT_BYTES or written[:1] == b"\0":
        raise BadFrame("an integer that is too long, or longer than it need be")
    return int.from_bytes(written, "big"), at


def _write_text(text: str) -> bytes:
    written = text.encode()
    return len(written).to_bytes(2, "big") + written


def _read_text(frame: bytes, at: int) -> tuple[str, int]:
    count, at = _taken(frame, at, 2)
    written, at = _taken(frame, at, int.from_bytes(count, "big"))
    try:
        text = written.decode()
    except UnicodeDecodeError:
        raise BadFrame("a text that is not UTF-8") from None
    if len(text) > _MAX_TEXT:
        raise BadFrame(f"a text of more than {_MAX_TEXT} characters")
    return text, at


def _write_signature(signature: Signature) -> bytes:
    key, r = signature.key, signature.r
    numbers = (key.x, key.y, r.x, r.y, signature.s)
    return b"".join([number.to_bytes(_FR_BYTES, "big") for number in numbers])


def _signature(written: bytes) -> Signature:
    read = int.from_bytes
    x, y, r_x, r_y, s = [
        check_fr("signature", read(written[at : at + _FR_BYTES], "big"))
        for at in range(0, _SIGNATURE_BYTES, _FR_BYTES)
    ]
    return Signature(Point(x, y), Point(r_x, r_y), s)


def _read_signature(frame: bytes, at: int) -> tuple[Signature, int]:
    written, at = _taken(frame, at, _SIGNATURE_BYTES)
    return _signature(written), at


def _write_voucher(voucher: Voucher) -> bytes:
    return (
        voucher.channel_id.to_bytes(_CHANNEL_BYTES, "big")
        + bytes((voucher.lane,))
        + voucher.lane_value.to_bytes(_LANE_BYTES, "big")
        + _write_signature(voucher.signature)
    )


def _read_voucher(frame: bytes, at: int) -> tuple[Voucher, int]:
    written, at = _taken(frame, at, _VOUCHER_BYTES)
    lane_at = _CHANNEL_BYTES + 1
    signed_at = lane_at + _LANE_BYTES
    if written[_CHANNEL_BYTES] > Lane.BA:
        raise BadFrame("no such lane")
    channel_id = int.from_bytes(written[:_CHANNEL_BYTES], "big")
    lane_value = int.from_bytes(written[lane_at:signed_at], "big")
    lane, signature = Lane(written[_CHANNEL_BYTES]), _signature(written[signed_at:])
    return Voucher(channel_id, lane, lane_value, signature), at


def _write_optional_voucher(voucher: Voucher | None) -> bytes:
    return b"\0" if voucher is None else b"\1" + _write_voucher(voucher)


def _read_optional_voucher(frame: bytes, at: int) -> tuple[Voucher | None, int]:
    (is_there,), at = _taken(frame, at, 1)
    if is_there > 1:
        raise BadFrame("neither a voucher nor none")
    return _read_voucher(frame, at) if is_there else (None, at)


def _write_close(body: Close) -> bytes:
    return b"".join([_write_int(getattr(body, field.name)) for field in fields(body)])


def _read_close(frame: bytes, at: int) -> tuple[Close, int]:
    numbers = []
    for _ in fields(Close):
        number, at = _read_int(frame, at)
        numbers.append(number)
    return Close(*numbers), at


_FORMS: dict[Any, tuple[_Writer, _Reader]] = {
    int: (_write_int, _read_int),
    str: (_write_text, _read_text),
    Voucher: (_write_voucher, _read_voucher),
    Voucher | None: (_write_optional_voucher, _read_optional_voucher),
    Signature: (_write_signature, _read_signature),
    Close: (_write_close, _read_close),
}


def _values(frame: Frame, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple([getattr(frame, name) for name in names])


def _getter(names: tuple[str, ...]) -> Callable[[Frame], tuple[Any, ...]]:
    return attrgetter(*names) if len(names) > 1 else partial(_values, names=names)


def _forms(kind: type[Frame]) -> dict[str, tuple[_Writer, _Reader]]:
    return {name: _FORMS[type_] for name, type_ in get_type_hints(kind).items()}


_WRITERS = {
    kind: (bytes((_TAGS[kind],)), _getter(tuple(forms)), [one[0] for one in forms.values()])
    for kind, forms in ((kind, _forms(kind)) for kind in get_args(Frame))
}
_READERS = {tag: (kind, [one[1] for one in _forms(kind).values()]) for kind, tag in _TAGS.items()}


def encode(frame: Frame, number: int | None = None) -> bytes:
    """The frame's bytes; with a `number`, under that id instead of its own."""
    tag, values_of, writers = _WRITERS[type(frame)]
    values = values_of(frame)
    if number is not None:
        values = (number, *values[1:])
    written = tag + b"".join([write(one) for write, one in zip(writers, values, strict=True)])
    return len(written).to_bytes(2, "big") + written


def decode(message: str | bytes) -> Frame:
    """The only frame of a message. Raises BadFrame."""
    found = decode_all(message)
    if len(found) != 1:
        raise BadFrame("more than one frame")
    return found[0]


def decode_all(message: str | bytes) -> list[Frame]:
    """The frames of a message, at least one. Raises BadFrame."""
    if isinstance(message, str):
        raise BadFrame("a text; this version speaks bytes")
    if len(message) > MAX_MESSAGE_BYTES:
        raise BadFrame("too large")
    found: list[Frame] = []
    at = 0
    while at < len(message) or not found:
        count, at = _taken(message, at, 2)
        frame, at = _taken(message, at, int.from_bytes(count, "big"))
        found.append(_decode(frame))
    return found


def _decode(frame: bytes) -> Frame:
    if len(frame) > MAX_FRAME_BYTES or frame[:1] not in _KNOWN:
        raise BadFrame("too large, or of no known kind")
    kind, readers = _READERS[frame[0]]
    values, at = [], 1
    try:
        for read in readers:
            value, at = read(frame, at)
            values.append(value)
    except ProtocolError as error:
        raise BadFrame(f"{kind.__name__}: {error}") from error
    if at != len(frame):
        raise BadFrame(f"{kind.__name__} with a tail")
    built: Frame = kind(*values)
    return built


_KNOWN = {bytes((tag,)) for tag in _READERS}
