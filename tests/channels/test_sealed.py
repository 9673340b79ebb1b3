"""Nobody between two homes reads, alters, repeats, reorders or drops a frame unnoticed."""

from __future__ import annotations

import asyncio
import random

import pytest

from channels.backoff import Backoff
from channels.errors import BadFrame, FrameLost, HandshakeFailed
from channels.handshake import answer, introduce
from channels.sealed import (
    ID_BYTES,
    Ends,
    Keys,
    Kind,
    Payload,
    agree,
    new_key,
    public_bytes,
)
from tests.channels.street import ANN, BEN, DOMAIN
from tests.channels.test_handshake import introduction, wire

LINK = bytes(range(ID_BYTES))
ENDS = Ends(DOMAIN, ANN.index, BEN.index, LINK)


def both(near: Ends = ENDS, far: Ends = ENDS) -> tuple[Keys, Keys]:
    """The keys of both ends, who have heard each other's public bytes."""
    mine, theirs = new_key(), new_key()
    return (
        agree(mine, public_bytes(theirs), near, is_dialling=True),
        agree(theirs, public_bytes(mine), far, is_dialling=False),
    )


def test_what_is_sealed_is_opened_in_order_both_ways() -> None:
    near, far = both()
    for frame in (b"", b"one", b"two" * 1_000):
        sealed = near.sealer.seal(frame)
        assert frame not in sealed or not frame
        assert far.opener.open(sealed) == frame
        assert near.opener.open(far.sealer.seal(frame)) == frame


def test_any_altered_bit_is_nothing() -> None:
    near, far = both()
    sealed = near.sealer.seal(b"voucher")
    for bit in range(8 * len(sealed)):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << bit % 8
        assert far.opener.open(bytes(altered)) is None
    assert far.opener.open(sealed) == b"voucher"


def test_a_frame_counts_once_and_a_missing_one_is_noticed() -> None:
    near, far = both()
    first, second, third = (near.sealer.seal(bytes([number])) for number in range(3))
    assert far.opener.open(first) == b"\0"
    assert far.opener.open(first) is None
    with pytest.raises(FrameLost, match="frame 1 was lost"):
        far.opener.open(third)
    assert far.opener.open(second) == b"\1"


def test_a_frame_is_good_for_its_own_direction_and_link() -> None:
    near, far = both()
    assert near.opener.open(near.sealer.seal(b"back at you")) is None
    another, _ = both()
    assert far.opener.open(another.sealer.seal(b"from elsewhere")) is None


@pytest.mark.parametrize(
    "other",
    [
        Ends(DOMAIN + 1, ANN.index, BEN.index, LINK),
        Ends(DOMAIN, ANN.index + 1, BEN.index, LINK),
        Ends(DOMAIN, ANN.index, BEN.index + 1, LINK),
        Ends(DOMAIN, ANN.index, BEN.index, bytes(ID_BYTES)),
    ],
)
def test_both_ends_mean_the_same_link_or_share_nothing(other: Ends) -> None:
    near, far = both(far=other)
    assert near.binding != far.binding
    assert far.opener.open(near.sealer.seal(b"hello")) is None


def test_a_key_of_small_order_is_refused() -> None:
    with pytest.raises(BadFrame, match="small order"):
        agree(new_key(), bytes(32), ENDS, is_dialling=True)


async def test_a_relay_that_puts_its_own_keys_between_is_found_out() -> None:
    """It shares keys with both and passes everything on: the bindings that they sign differ."""
    between, ann, ben = new_key(), new_key(), new_key()
    near = agree(ann, public_bytes(between), ENDS, is_dialling=True)
    far = agree(ben, public_bytes(between), ENDS, is_dialling=False)
    one, other = wire()
    listening = asyncio.create_task(answer(other, introduction(BEN), far.binding))
    with pytest.raises(HandshakeFailed, match="does not verify"):
        await introduce(one, introduction(ANN), BEN.index, near.binding)
    assert not listening.done(), "nothing was said to it that proves anything"
    listening.cancel()


async def test_the_same_handshake_without_anybody_between_succeeds() -> None:
    near, far = both()
    one, other = wire()
    learned, known = await asyncio.gather(
        introduce(one, introduction(ANN), BEN.index, near.binding),
        answer(other, introduction(BEN), far.binding),
    )
    assert (learned, known) == (BEN.index, ANN.index)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_payload_is_read_as_it_was_written(kind: Kind) -> None:
    body = b"" if kind is Kind.UNKNOWN else bytes(32)
    payload = Payload(kind, LINK, body)
    assert Payload.of(payload.to_bytes()) == payload


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\x00" + LINK,
        b"\x09" + LINK + bytes(32),
        b"\x01" + LINK[:-1],
        b"\x01" + LINK + bytes(31),
        b"\x02" + LINK + bytes(33),
        b"\x03" + LINK + bytes(23),
        b"\x04" + LINK + b"\0",
    ],
)
def test_what_is_no_payload_is_refused(given: bytes) -> None:
    with pytest.raises(BadFrame):
        Payload.of(given)


def test_pauses_grow_to_the_longest_and_are_never_in_step() -> None:
    backoff, other = (Backoff(0.1, 5.0, random.Random(seed)) for seed in (1, 2))
    pauses = [backoff.next_s() for _ in range(12)]
    for length_s, pause_s in zip([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, *6 * [5.0]], pauses, strict=True):
        assert length_s / 2 <= pause_s <= length_s
    assert pauses != [other.next_s() for _ in range(12)]
    backoff.begin_again()
    assert backoff.next_s() <= 0.1
    backoff.at_least(60)
    assert 2.5 <= backoff.next_s() <= 5.0
