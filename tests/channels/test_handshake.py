"""Both ends of a connection know whom they talk to, or there is no connection."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from channels.errors import BadFrame, ChannelsError, HandshakeFailed, UnknownPeer
from channels.frame_codec import decode, encode
from channels.frames import VERSION, Ack, Hello, Proof
from channels.handshake import Introduction, answer, handshake_message, introduce
from protocol.crypto.jubjub import IDENTITY
from protocol.crypto.schnorr import Signature, key_hash
from tests.channels.street import ANN, BEN, DOMAIN, EVE, Home

HOMES = {home.index: home.key_hash for home in (ANN, BEN, EVE)}


async def find(index: int) -> int:
    """The key hash of an account on the street."""
    if index not in HOMES:
        raise UnknownPeer(index)
    return HOMES[index]


def introduction(home: Home, domain: int = DOMAIN) -> Introduction:
    """How a home introduces itself."""
    return Introduction(domain, home.index, home.sign, find)


class End:
    """One end of a wire in memory."""

    def __init__(self, out: asyncio.Queue[bytes], into: asyncio.Queue[bytes]) -> None:
        self._out, self._into = out, into

    async def send(self, message: bytes) -> None:
        await self._out.put(message)

    async def recv(self) -> bytes:
        return await self._into.get()


def wire() -> tuple[End, End]:
    """Two connected ends."""
    left: asyncio.Queue[bytes] = asyncio.Queue()
    right: asyncio.Queue[bytes] = asyncio.Queue()
    return End(left, right), End(right, left)


async def meet(dialling: Introduction, listening: Introduction, expected: int) -> tuple[int, int]:
    """What each end learns."""
    near, far = wire()
    learned, known = await asyncio.gather(
        introduce(near, dialling, expected), answer(far, listening)
    )
    return learned, known


async def test_each_learns_the_others_account() -> None:
    assert await meet(introduction(ANN), introduction(BEN), BEN.index) == (BEN.index, ANN.index)


@pytest.mark.parametrize(
    ("dialling", "listening", "expected", "why"),
    [
        (introduction(ANN), introduction(EVE), BEN.index, "this is account 12, not 9"),
        (introduction(ANN, DOMAIN + 1), introduction(BEN), BEN.index, "another rollup"),
        (introduction(BEN), introduction(BEN), BEN.index, "a second node of this same account"),
        (
            introduction(ANN),
            replace(introduction(EVE), account_index=BEN.index),
            BEN.index,
            "not that of account 9",
        ),
        (
            replace(introduction(EVE), account_index=ANN.index),
            introduction(BEN),
            BEN.index,
            "not that of account 3",
        ),
        (
            replace(introduction(ANN), account_index=77),
            introduction(BEN),
            BEN.index,
            "cannot be looked up|no root",
        ),
    ],
)
async def test_refuses_who_is_not_expected(
    dialling: Introduction, listening: Introduction, expected: int, why: str
) -> None:
    near, far = wire()
    ends = {
        asyncio.create_task(introduce(near, dialling, expected)),
        asyncio.create_task(answer(far, listening)),
    }
    done, waiting = await asyncio.wait(ends, return_when=asyncio.FIRST_EXCEPTION)
    for end in waiting:
        end.cancel()
    problems = [end.exception() for end in done if end.exception() is not None]
    assert problems
    assert all(isinstance(one, ChannelsError) for one in problems)
    assert re.search(why, str(problems[0]))


async def test_an_old_proof_is_of_no_use() -> None:
    """Eve has heard a handshake of Ann's and plays it again: the challenge is another one."""
    near, far = wire()
    listening = asyncio.create_task(answer(far, introduction(BEN)))
    hello = Hello(VERSION, DOMAIN, ANN.index, BEN.index, "00" * 32)
    await near.send(encode(hello))
    theirs = decode(await near.recv())
    assert isinstance(theirs, Hello)
    old = handshake_message("dial", hello, replace(theirs, challenge="11" * 32))
    await near.send(encode(Proof(ANN.sign(old))))
    with pytest.raises(HandshakeFailed, match="does not verify"):
        await listening


async def test_a_proof_is_good_for_one_role_only() -> None:
    hello, theirs = Hello(1, 0, 1, 2, ""), Hello(1, 0, 2, 1, "")
    assert handshake_message("dial", hello, theirs) != handshake_message("answer", hello, theirs)
    assert handshake_message("dial", hello, theirs) != handshake_message("dial", theirs, hello)


async def test_refuses_an_unsafe_key_even_if_it_is_the_accounts() -> None:
    async def identity(_: int) -> int:
        return key_hash(IDENTITY)

    careless = replace(
        introduction(EVE), account_index=ANN.index, sign=lambda _: Signature(IDENTITY, IDENTITY, 0)
    )
    strict = replace(introduction(BEN), key_hash_of=identity)
    results = await asyncio.wait_for(meet_or_fail(careless, strict), 120)
    assert isinstance(results, HandshakeFailed)


async def meet_or_fail(dialling: Introduction, listening: Introduction) -> object:
    """What the listening end makes of it."""
    near, far = wire()
    trusting = replace(dialling, key_hash_of=find)
    dial = asyncio.create_task(introduce(near, trusting, listening.account_index))
    try:
        return await answer(far, listening)
    except ChannelsError as error:
        return error
    finally:
        dial.cancel()


OLDER, NEWER = (encode(Hello(one, DOMAIN, 3, 9, "")) for one in (VERSION - 1, VERSION + 1))


@pytest.mark.parametrize("given", [b"", b"{}", encode(Ack(1, 1)), OLDER, NEWER])
async def test_refuses_what_is_no_handshake(given: bytes) -> None:
    near, far = wire()
    await near.send(given)
    with pytest.raises((BadFrame, HandshakeFailed)):
        await answer(far, introduction(BEN))
