"""The feed over a real WebSocket: nothing is lost or told twice, and each end has a clear code."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sequencer.api.app import create_app
from sequencer.api.routes import feed as feed_routes
from sequencer.api.server import ApiServer
from sequencer.bus import InProcessBus, Waker
from sequencer.errors import StorageFailed
from sequencer.feed import Feed, Told
from sequencer.views import Views
from tests.protocol.street import BERT, CARL
from tests.sequencer.api.conftest import services_of
from tests.sequencer.world import World

PATIENCE_S = 60.0
Json = dict[str, Any]


@asynccontextmanager
async def serving(world: World, wakes: bool = True) -> AsyncIterator[tuple[str, Feed]]:
    """The API on a port; its feed is woken by commits, or polls alone."""
    services = replace(services_of(world), bus=InProcessBus())
    if wakes:
        world.database.on_commit = Waker(services.bus, asyncio.get_running_loop())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ApiServer(create_app(services))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.ready.wait()
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/feed", services.feed
        finally:
            server.should_exit = True
            await serving


async def frame(client: ClientConnection) -> Json:
    found: Json = json.loads(await asyncio.wait_for(client.recv(), PATIENCE_S))
    return found


async def events_until(client: ClientConnection, after: int) -> list[Json]:
    """All events up to number `after`."""
    found: list[Json] = []
    while True:
        given = await frame(client)
        found += given["events"]
        if int(given["after"]) >= after:
            return found


async def end_of(client: ClientConnection) -> int | None:
    """The code with which the server ends it, whatever it says before."""
    with suppress(ConnectionClosed):
        while True:
            await frame(client)
    return client.close_code


async def nobody_listens(feed: Feed) -> None:
    for _ in range(int(PATIENCE_S * 100)):
        if not feed.listeners:
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def newest(world: World) -> int:
    return max(int(one["id"]) for one in Views(world.ledger).events(0))


def a_day(world: World) -> list[str]:
    """Transactions on their way to final, each with all its events."""
    ids = [
        world.ledger.submit(world.open_channel()),
        world.ledger.submit(world.transfer(sender=BERT, to=CARL)),
    ]
    world.to_final(world.proved())
    return ids


async def test_a_listener_is_told_all_in_order_and_from_where_it_was(world: World) -> None:
    async with serving(world) as (url, _):
        async with connect(f"{url}?after=0") as client:
            before = await events_until(client, newest(world))
            await asyncio.to_thread(a_day, world)
            later = await events_until(client, newest(world))
        told = [{name: one[name] for name in ("id", "kind", "subject", "at")} for one in later]
        assert told == Views(world.ledger).events(int(before[-1]["id"]))
        assert {one["kind"] for one in later} >= {"soft", "sealed", "proved", "final"}
        async with connect(f"{url}?after={later[2]['id']}") as client:
            assert await events_until(client, newest(world)) == later[3:]


async def test_without_a_number_only_what_comes_is_told(world: World) -> None:
    async with serving(world) as (url, _), connect(url) as client:
        start = await frame(client)
        assert (start["events"], int(start["after"])) == ([], newest(world))
        await asyncio.to_thread(a_day, world)
        later = await events_until(client, newest(world))
        assert int(later[0]["id"]) == int(start["after"]) + 1


async def test_who_asks_for_an_account_or_a_channel_hears_of_nothing_else(world: World) -> None:
    opened, sent = a_day(world)
    last = newest(world)
    async with serving(world) as (url, _):
        for query, subjects, accounts in (
            ("account=0", {opened}, ["0", "1"]),
            ("account=1", {opened, sent}, None),
            ("account=2", {sent}, ["1", "2"]),
            ("account=7", set(), None),
            (f"channel_id={1 << 32}", {opened}, ["0", "1"]),
            (f"channel_id={hex(1 << 32)}&account=2", set(), None),
        ):
            async with connect(f"{url}?after=0&{query}") as client:
                found = await events_until(client, last)
            assert {one["subject"] for one in found} == subjects
            assert accounts is None or all(one["accounts"] == accounts for one in found)


async def test_polling_alone_tells_it_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_routes, "HEARTBEAT_S", 600.0)
    async with serving(world, wakes=False) as (url, _), connect(url) as client:
        await frame(client)
        await asyncio.to_thread(a_day, world)
        assert await events_until(client, newest(world))


async def test_silence_is_broken_by_heartbeats(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_routes, "HEARTBEAT_S", 0.01)
    async with serving(world) as (url, _), connect(url) as client:
        frames = [await frame(client) for _ in range(3)]
        assert frames == [{"events": [], "after": str(newest(world))}] * 3


async def test_a_listener_that_takes_nothing_is_cut_off_and_can_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_routes, "SLOW_S", 3.0)
    async with serving(world) as (url, feed):
        told = list(await feed.after(0))

        async def endless(_id: int) -> list[Told]:
            return told * 200

        monkeypatch.setattr(Feed, "after", lambda _self, id_: endless(id_))
        plain = connect(f"{url}?after=0", max_queue=1, ping_interval=None, compression=None)
        async with plain as client:
            await nobody_listens(feed)
            assert await end_of(client) == 4408
        assert client.close_reason is not None
        assert "too slow" in client.close_reason


async def test_a_listener_that_talks_is_told_that_nobody_hears(world: World) -> None:
    async with serving(world) as (url, _), connect(url) as client:
        await client.send("hello")
        assert await end_of(client) == 1003


async def test_a_database_that_fails_ends_it_with_a_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Feed, _id: int) -> list[Told]:
        raise StorageFailed("here", "why")

    async with serving(world) as (url, _):
        monkeypatch.setattr(Feed, "_read", fail)
        async with connect(f"{url}?after=0") as client:
            assert await end_of(client) == 1013


async def test_too_many_listeners_are_told_to_try_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_routes, "MOST_LISTENERS", 1)
    async with serving(world) as (url, feed):
        async with connect(url) as first:
            await frame(first)
            async with connect(url) as second:
                assert await end_of(second) == 1013
        await nobody_listens(feed)


async def test_one_address_cannot_take_the_places_of_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_routes, "MOST_AN_ADDRESS", 2)
    async with serving(world) as (url, feed), connect(url) as first:
        await frame(first)
        async with connect(url) as second:
            await frame(second)
            async with connect(url) as third:
                assert await end_of(third) == 1013
            async with connect(url, local_addr=("127.0.0.2", 0)) as other:
                await frame(other)
        await first.close()
        await nobody_listens(feed)
        async with connect(url) as again:
            await frame(again)


@pytest.mark.parametrize("query", ["after=-1", "after=x", "account=1.5", "channel_id=0xzz"])
async def test_a_question_that_makes_no_sense_is_a_problem(world: World, query: str) -> None:
    async with serving(world) as (url, _):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{url}?{query}")
        answer = refused.value.response
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert json.loads(answer.body or b"")["code"] == "Malformed"
