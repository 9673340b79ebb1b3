"""Frames: what is encoded comes back equal; anything else is one BadFrame."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.closing import propose_close
from channels.errors import BadFrame
from channels.frames import (
    MAX_FRAME_BYTES,
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
    decode,
    encode,
)
from tests.channels.street import ANN, NOW, ann, voucher

VOUCHER = voucher((1 << 96) - 1)
SIGNATURE = ANN.sign(1)
BAD: list[object] = [-1, 1.5, [], {}, True, "x" * 501]
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
    text = encode(frame)
    assert decode(text) == frame
    assert len(text) < MAX_FRAME_BYTES


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_refuses_a_missing_an_unknown_and_a_badly_typed_field(frame: Frame) -> None:
    document = json.loads(encode(frame))
    for field in document:
        with pytest.raises(BadFrame):
            decode(json.dumps({name: one for name, one in document.items() if name != field}))
        for bad in BAD:
            with pytest.raises(BadFrame):
                decode(json.dumps(document | {field: bad}))
    with pytest.raises(BadFrame):
        decode(json.dumps(document | {"more": "1"}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"type": "other"}', '{"type": 1}', b"{}"])
def test_refuses_what_is_no_frame(text: str | bytes) -> None:
    with pytest.raises(BadFrame):
        decode(text)


@given(st.text(max_size=200))
def test_any_text_is_a_frame_or_bad(text: str) -> None:
    try:
        decode(text)
    except BadFrame:
        return
    raise AssertionError("random text is no frame")


@pytest.mark.parametrize("count", [600, 100_000])
def test_deep_nesting_is_bad(count: int) -> None:
    with pytest.raises(BadFrame, match="too deep"):
        decode("[" * count)
