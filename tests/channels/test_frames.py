"""Frames: what is encoded comes back equal; anything else is one BadFrame."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.closing import propose_close
from channels.errors import BadFrame
from channels.frame_codec import (
    MAX_FRAME_BYTES,
    MAX_MESSAGE_BYTES,
    decode,
    decode_all,
    encode,
)
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
from channels.sealed import ID_BYTES, Ends, Kind, Payload, agree, new_key, public_bytes
from protocol.crypto.field import R
from protocol.relay import MAX_PAYLOAD_BYTES
from tests.channels.street import ANN, NOW, ann, voucher

VOUCHER = voucher((1 << 96) - 1)
SIGNATURE = ANN.sign(1)
FRAMES: list[Frame] = [
    Hello(1, (1 << 128) - 1, 3, 9, "ab" * 32),
    Proof(SIGNATURE),
    Pay(1, "p-1", VOUCHER, (1 << 40) - 1, (1 << 56) - 1),
    Ack(1, VOUCHER.lane_value),
    Nack(1, "OverCapacity", "too much"),
    Ask(1, VOUCHER.channel_id),
    AskPaid(1, VOUCHER.channel_id, "p-1"),
    Present(1, (1 << 62) - 1, "ab" * 16, SIGNATURE),
    Newest(1, 0, "cd" * 16, SIGNATURE),
    Standing(1, "", "", 0, VOUCHER, None),
    Standing(1, "ChannelNotFinal", "wait", 5, None, VOUCHER),
    CloseAsk(1, VOUCHER.channel_id, 1, 2),
    CloseOffer(1, propose_close(ann(), NOW), SIGNATURE),
    CloseSigned(1, SIGNATURE),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_frame_comes_back_equal_and_fits(frame: Frame) -> None:
    written = encode(frame)
    assert decode(written) == frame
    assert len(written) < MAX_FRAME_BYTES
    assert encode(decode(written)) == written


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_refuses_a_frame_that_is_cut_anywhere_or_has_a_tail(frame: Frame) -> None:
    body = encode(frame)[2:]
    for other in (*(body[:at] for at in range(len(body))), body + b"\0"):
        with pytest.raises(BadFrame):
            decode(framed(other))


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_changed_byte_is_bad_or_gives_another_frame_that_has_these_very_bytes(
    frame: Frame,
) -> None:
    """So no frame can be written in two ways."""
    body = encode(frame)[2:]
    for at in range(len(body)):
        for flipped in (0x01, 0x80):
            changed = framed(body[:at] + bytes((body[at] ^ flipped,)) + body[at + 1 :])
            try:
                other = decode(changed)
            except BadFrame:
                continue
            assert other != frame
            assert encode(other) == changed


def test_every_kind_of_frame_has_been_tried() -> None:
    assert {type(frame) for frame in FRAMES} == set(get_args(Frame))


def test_frames_share_a_message_in_order_and_under_other_ids() -> None:
    acks = [Ack(number, 7) for number in range(1, 40)]
    message = b"".join([encode(Ack(0, 7), ack.id) for ack in acks])
    assert decode_all(message) == acks
    with pytest.raises(BadFrame):
        decode(message)
    with pytest.raises(BadFrame):
        decode_all(message[:-1])


def test_a_message_of_the_largest_size_is_taken_and_no_larger_one() -> None:
    frame = encode(Ack(1, 7))
    count = MAX_MESSAGE_BYTES // len(frame)
    assert len(decode_all(frame * count)) == count
    with pytest.raises(BadFrame, match="too large"):
        decode_all(frame * (count + 1))


def test_a_sealed_message_of_the_largest_size_fits_through_the_relay() -> None:
    ends = Ends(1, 2, 3, bytes(ID_BYTES))
    own, other = new_key(), new_key()
    keys = agree(own, public_bytes(other), ends, is_dialling=True)
    sealed = keys.sealer.seal(b"." + bytes(MAX_MESSAGE_BYTES))
    payload = Payload(Kind.SEALED, ends.link, sealed).to_bytes()
    assert len(payload) <= MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(
    "fields",
    [
        b"\x02\x00\x01" + b"\x01\x07",  # an id with a leading zero
        b"\x21" + b"\x01" * 33 + b"\x01\x07",  # an id of more than 32 bytes
        b"\x01\x01" + b"\x05\x07",  # a lane value that is longer than the frame
    ],
)
def test_refuses_integers_that_are_written_otherwise(fields: bytes) -> None:
    assert decode(framed(b"\x04\x01\x01\x01\x07")) == Ack(1, 7)
    with pytest.raises(BadFrame):
        decode(framed(b"\x04" + fields))


def test_refuses_numbers_that_are_no_field_elements() -> None:
    body = encode(Proof(SIGNATURE))[2:]
    for at in range(1, len(body), 32):
        with pytest.raises(BadFrame):
            decode(framed(body[:at] + R.to_bytes(32, "big") + body[at + 32 :]))


def test_refuses_texts_that_are_too_long_or_no_utf_8() -> None:
    assert isinstance(decode(encode(Nack(1, "x" * 500, ""))), Nack)
    with pytest.raises(BadFrame):
        decode(encode(Nack(1, "x" * 501, "")))
    with pytest.raises(BadFrame):
        decode(encode(Nack(1, "xyz", "")).replace(b"xyz", b"\xff\xfe\xfd"))


@pytest.mark.parametrize("message", [b"", b"\0", b"\0\0", b"\0\1\0", b"\0\1\xff", "", "{}"])
def test_refuses_what_is_no_frame(message: str | bytes) -> None:
    with pytest.raises(BadFrame):
        decode_all(message)


@given(st.binary(max_size=400))
def test_any_bytes_are_frames_that_have_these_very_bytes_or_bad(message: bytes) -> None:
    try:
        found = decode_all(message)
    except BadFrame:
        return
    assert b"".join([encode(frame) for frame in found]) == message


def framed(body: bytes) -> bytes:
    """A frame's bytes with the length that they have."""
    return len(body).to_bytes(2, "big") + body
