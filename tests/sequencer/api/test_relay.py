"""The relay lets in who holds an account's key, and nobody takes more than a share of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from protocol.codec import signature_to_json
from protocol.crypto.schnorr import Signature
from protocol.relay import (
    MAX_FRAME_BYTES,
    Refusal,
    addressed,
    read_addressed,
    registration_message,
)
from sequencer.api.app import create_app
from sequencer.api.routes.relay import Relay
from sequencer.bus import InProcessBus
from sequencer.relaying import Allowance, RelayLimits
from tests.channels.street import ANN, BEN, DOMAIN, EVE, Home
from tests.protocol.street import ANNA
from tests.sequencer.api.conftest import services_of
from tests.sequencer.world import World

KEYS = {home.index: home.key_hash for home in (ANN, BEN)}
WAIT_S = 30


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The ws:// address of an application."""
    server = uvicorn.Server(
        uvicorn.Config(app, "127.0.0.1", 0, log_level="error", lifespan="off", ws_max_size=1 << 20)
    )
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def a_relay(
    bus: InProcessBus | None = None, limits: RelayLimits | None = None
) -> AsyncIterator[str]:
    """One worker's relay for Ann's and Ben's accounts; its address."""
    relay = Relay(bus or InProcessBus(), DOMAIN, KEYS.get, limits)
    async with served(Starlette(routes=[WebSocketRoute("/v1/relay", relay.serve)])) as url:
        yield f"{url}/v1/relay"


async def challenge_of(line: ClientConnection) -> bytes:
    given = json.loads(await line.recv())
    assert (given["type"], given["domain"]) == ("challenge", str(DOMAIN))
    return bytes.fromhex(given["challenge"])


async def register(line: ClientConnection, index: int, signature: Signature) -> None:
    document = {
        "type": "register",
        "account": str(index),
        "signature": signature_to_json(signature),
    }
    await line.send(json.dumps(document))


async def join(line: ClientConnection, home: Home) -> None:
    """Register as an account, and be told so."""
    message = registration_message(DOMAIN, home.index, await challenge_of(line))
    await register(line, home.index, home.sign(message))
    assert json.loads(await line.recv()) == {"type": "registered"}


async def refusal(line: ClientConnection) -> Refusal:
    """Why the relay ended the connection."""
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(WAIT_S):
            while True:
                await line.recv()
    assert line.close_code is not None
    assert line.close_reason
    return Refusal(line.close_code)


@pytest.mark.parametrize("workers", [1, 2])
async def test_frames_go_from_account_to_account_also_between_workers(workers: int) -> None:
    bus = InProcessBus()
    async with (
        a_relay(bus) as one,
        a_relay(bus if workers == 2 else None) as other,
        connect(one) as ann,
        connect(other if workers == 2 else one) as ben,
    ):
        await join(ann, ANN)
        await join(ben, BEN)
        for number in range(20):
            await ann.send(addressed(BEN.index, bytes([number])))
        for number in range(20):
            frame = await ben.recv()
            assert isinstance(frame, bytes)
            assert read_addressed(frame) == (ANN.index, bytes([number]))
        await ben.send(addressed(ANN.index, b"and back"))
        assert await ann.recv() == addressed(BEN.index, b"and back")


async def test_only_who_holds_the_accounts_key_gets_in() -> None:
    async with a_relay() as url:
        for index, home in ((ANN.index, BEN), (EVE.index, EVE), (1 << 23, ANN)):
            async with connect(url) as line:
                message = registration_message(DOMAIN, index, await challenge_of(line))
                await register(line, index, home.sign(message))
                assert await refusal(line) is Refusal.UNAUTHORISED


async def test_a_signature_is_good_for_one_challenge_account_and_rollup() -> None:
    async with a_relay() as url, connect(url) as first:
        old = ANN.sign(registration_message(DOMAIN, ANN.index, await challenge_of(first)))
        async with connect(url) as line:
            challenge = await challenge_of(line)
            await register(line, ANN.index, old)
            assert await refusal(line) is Refusal.UNAUTHORISED
        for domain, index in ((DOMAIN + 1, ANN.index), (DOMAIN, BEN.index)):
            async with connect(url) as line:
                challenge = await challenge_of(line)
                message = registration_message(domain, index, challenge)
                await register(line, ANN.index, ANN.sign(message))
                assert await refusal(line) is Refusal.UNAUTHORISED


@pytest.mark.parametrize(
    "said", ["", "[]", "{}", '{"type":"register","account":"3","signature":1}', b"binary", "[" * 99]
)
async def test_what_is_no_registration_is_refused(said: str | bytes) -> None:
    async with a_relay() as url, connect(url) as line:
        await challenge_of(line)
        await line.send(said)
        assert await refusal(line) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"", Refusal.MALFORMED),
        (b"\0\0\0\1", Refusal.MALFORMED),
        (b"\1\0\0\0x", Refusal.MALFORMED),
        ("a text", Refusal.MALFORMED),
        (bytes(MAX_FRAME_BYTES + 1), Refusal.TOO_LARGE),
    ],
    ids=["empty", "no payload", "no account", "text", "too large"],
)
async def test_a_bad_frame_ends_the_connection_with_its_reason(
    frame: bytes | str, why: Refusal
) -> None:
    async with a_relay() as url, connect(url) as line:
        await join(line, ANN)
        await line.send(addressed(BEN.index, bytes(MAX_FRAME_BYTES - 4)))  # as large as may be
        await line.send(frame)
        assert await refusal(line) is why


async def test_the_newest_connection_of_an_account_takes_over_on_any_worker() -> None:
    bus = InProcessBus()
    async with a_relay(bus) as one, a_relay(bus) as other, connect(one) as first:
        await join(first, ANN)
        async with connect(other) as second, connect(one) as ben:
            await join(second, ANN)
            assert await refusal(first) is Refusal.REPLACED
            await join(ben, BEN)
            await ben.send(addressed(ANN.index, b"hello"))
            assert await second.recv() == addressed(BEN.index, b"hello")


async def test_connections_are_counted_and_the_idle_are_sent_away() -> None:
    limits = RelayLimits(most_connections=2, most_unproved=1, register_timeout_s=0.5)
    async with a_relay(limits=limits) as url, connect(url) as first:
        await join(first, ANN)
        async with connect(url) as idle:
            async with connect(url) as third:
                assert await refusal(third) is Refusal.FULL
            assert await refusal(idle) is Refusal.TOO_SLOW
        async with connect(url) as second:
            await join(second, BEN)


async def test_one_address_cannot_hold_all_that_is_there_for_newcomers() -> None:
    limits = RelayLimits(most_unproved_an_address=2, register_timeout_s=WAIT_S)
    async with a_relay(limits=limits) as url, connect(url) as one, connect(url) as two:
        await challenge_of(one)
        challenge = await challenge_of(two)
        async with connect(url) as third:
            assert await refusal(third) is Refusal.FULL
        async with connect(url, local_addr=("127.0.0.2", 0)) as elsewhere:
            await join(elsewhere, BEN)
        await one.close()
        message = registration_message(DOMAIN, ANN.index, challenge)
        await register(two, ANN.index, ANN.sign(message))  # and then it is none of them any more
        assert json.loads(await two.recv()) == {"type": "registered"}
        async with connect(url) as third, connect(url) as fourth:
            await challenge_of(third)
            await challenge_of(fourth)


def test_an_allowance_gives_a_burst_and_then_its_rate() -> None:
    allowance = Allowance(RelayLimits(bytes_per_s=1_000, frames_per_s=10, burst_s=2.0), 50.0)
    assert [allowance.take(50.0, 500) for _ in range(4)] == [0, 0, 0, 0]
    assert allowance.take(50.0, 500) == pytest.approx(0.5)
    assert allowance.take(50.5, 1) == pytest.approx(0.1)  # a frame costs a tenth at least
    assert allowance.take(60.0, 2_000) == 0
    assert allowance.take(60.0, 2_000) == pytest.approx(2.0)


async def test_who_sends_too_much_is_read_slowly_and_loses_nothing() -> None:
    limits = RelayLimits(bytes_per_s=40_000, burst_s=0.1)
    async with a_relay(limits=limits) as url, connect(url) as ann, connect(url) as ben:
        await join(ann, ANN)
        await join(ben, BEN)
        clock = asyncio.get_running_loop().time
        began = clock()
        for number in range(10):
            await ann.send(addressed(BEN.index, bytes([number]) * 4_000))
        for number in range(10):
            assert await ben.recv() == addressed(ANN.index, bytes([number]) * 4_000)
        assert clock() - began > 0.5, "40 kB at 40 kB/s took no time"


async def test_the_sequencers_api_has_it_with_the_keys_of_its_soft_state(world: World) -> None:
    domain = world.rollup.domain
    async with served(create_app(services_of(world))) as url, connect(f"{url}/v1/relay") as line:
        challenge = bytes.fromhex(json.loads(await line.recv())["challenge"])
        home = Home(ANNA.index, ANNA.secret)
        message = registration_message(domain, home.index, challenge)
        await register(line, home.index, home.sign(message))
        assert json.loads(await line.recv()) == {"type": "registered"}
