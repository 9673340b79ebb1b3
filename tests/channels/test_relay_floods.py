"""Whatever comes through a relay that takes nothing, a home starts no more than it says, and it
outlives every frame."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import cast

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve

from channels import relay
from channels.links import Link
from channels.relay import RelayClient
from channels.sealed import ID_BYTES, Ends, Keys, Kind, Payload, agree, new_key, public_bytes
from protocol.relay import VERSION, addressed, read_addressed
from tests.channels.street import ANN, BEN, DOMAIN
from tests.channels.test_handshake import introduction

MANY = 3_000
_PING = bytes([3])


class Stalled:
    """A connection that takes nothing until it is told to."""

    def __init__(self) -> None:
        self.takes = asyncio.Event()
        self.sent: list[bytes] = []

    async def send(self, message: bytes) -> None:
        """Wait, and take it."""
        await self.takes.wait()
        self.sent.append(message)


@pytest.fixture
def wire() -> Stalled:
    return Stalled()


@pytest.fixture
async def home(wire: Stalled) -> AsyncIterator[RelayClient]:
    """Ann's home at a relay that takes nothing."""

    async def on_link(link: Link) -> None:
        await link.recv()

    client = RelayClient("ws://relay", introduction(ANN), on_link, random.Random(1))
    client._wire = cast(ClientConnection, wire)
    yield client
    await client._end_all()


def started() -> int:
    """How many tasks there are besides the test's own."""
    return len(asyncio.all_tasks()) - 1


def link_id(number: int) -> bytes:
    return number.to_bytes(ID_BYTES, "big")


async def test_a_flood_on_unknown_links_is_answered_once_at_a_time(
    home: RelayClient, wire: Stalled
) -> None:
    for number in range(MANY):
        home._take(addressed(1, Payload(Kind.SEALED, link_id(number), bytes(24)).to_bytes()))
    assert started() == 1
    home._take(addressed(2, Payload(Kind.SEALED, link_id(0), bytes(24)).to_bytes()))
    assert started() == 2, "another neighbour is told as well"
    wire.takes.set()
    await asyncio.wait(home._tasks)
    told = [read_addressed(one) for one in wire.sent]
    assert [to for to, _ in told] == [1, 2]
    assert all(Payload.of(payload).kind is Kind.UNKNOWN for _, payload in told)
    home._take(addressed(1, Payload(Kind.SEALED, link_id(7), bytes(24)).to_bytes()))
    assert started() == 1, "and again once it is said"


async def test_a_flood_of_new_links_is_dropped_where_nothing_can_be_answered(
    home: RelayClient,
) -> None:
    key = public_bytes(new_key())
    for number in range(MANY):
        home._take(addressed(number % 3, Payload(Kind.OPEN, link_id(number), key).to_bytes()))
        await asyncio.sleep(0)
    assert started() <= relay._MOST_TASKS + 3 * relay._MOST_LINKS_A_PEER, "and a watch each"


async def test_however_many_neighbours_are_told_there_is_an_end(home: RelayClient) -> None:
    for sender in range(MANY):
        home._take(addressed(sender, Payload(Kind.SEALED, link_id(1), bytes(24)).to_bytes()))
    assert started() == relay._MOST_TASKS


def far_end(ends: Ends) -> tuple[Keys, Keys]:
    near, far = new_key(), new_key()
    return (
        agree(near, public_bytes(far), ends, is_dialling=True),
        agree(far, public_bytes(near), ends, is_dialling=False),
    )


async def test_a_flood_of_pings_waits_for_one_pong(wire: Stalled) -> None:
    own, other = far_end(Ends(DOMAIN, ANN.index, BEN.index, link_id(1)))
    link = Link(BEN.index, Ends(DOMAIN, 0, 1, link_id(1)), own, wire.send, lambda: None)
    for _ in range(MANY):
        link.take(other.sealer.seal(_PING))
    assert started() == 2, "its watch and a pong"
    wire.takes.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task(), link._watching})
    link.take(other.sealer.seal(_PING))
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task(), link._watching})
    assert len(wire.sent) == 2, "one for all that waited, and one for the next"
    link.end(None)


async def test_a_relay_that_talks_nonsense_is_tried_again_and_its_frames_are_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "_FIRST_S", 0.01)
    monkeypatch.setattr(relay, "_SOUGHT_S", 0.01)
    of = Payload.of

    def failing(given: bytes) -> Payload:
        if given == b"bad":
            raise RecursionError
        return of(given)

    monkeypatch.setattr(Payload, "of", failing)
    challenge = {"type": "challenge", "version": str(VERSION), "domain": str(DOMAIN)}
    said = ["[" * 16_000, json.dumps(challenge | {"challenge": "00" * 32})]
    answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve_one(socket: ServerConnection) -> None:
        await socket.send(said.pop(0))
        await socket.recv()
        await socket.send('{"type": "registered"}')
        await socket.send(addressed(1, b"bad"))
        unknown = Payload(Kind.SEALED, link_id(7), bytes(24)).to_bytes()
        await socket.send(addressed(1, unknown))
        answer = await socket.recv()
        assert isinstance(answer, bytes)
        await answers.put(answer)

    async def on_link(link: Link) -> None:
        raise AssertionError("nobody opens one")

    async with serve(serve_one, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"ws://127.0.0.1:{port}"
        client = RelayClient(url, introduction(ANN), on_link, random.Random(1))
        running = asyncio.create_task(client.run())
        waiting = asyncio.create_task(answers.get())
        done, _ = await asyncio.wait({running, waiting}, timeout=60, return_when="FIRST_COMPLETED")
        assert done == {waiting}, "the relay task has ended"
        assert read_addressed(waiting.result())[0] == 1
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert not said
