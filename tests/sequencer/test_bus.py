from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from sequencer.bus import EVENTS, MOST_BYTES, MOST_WAITING, Bus, InProcessBus, Waker
from sequencer.errors import MessageTooLarge
from sequencer.redis_bus import RedisBus
from tests.sequencer.world import World
from tests.support.services import RedisServer

PATIENCE_S = 60.0


@pytest.fixture(params=["in process", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """Either bus, each for the tests that hold for both."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        bus: Bus = RedisBus(server.url)
    else:
        bus = InProcessBus()
    yield bus
    await bus.close()


async def next_of(messages: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(messages), PATIENCE_S)


async def test_a_message_reaches_every_subscriber_of_its_topic_and_no_other(bus: Bus) -> None:
    async with bus.subscribe("a") as one, bus.subscribe("a") as two, bus.subscribe("b") as other:
        await bus.publish("a", b"first")
        await bus.publish("a", b"second")
        await bus.publish("b", b"another")
        assert [await next_of(one), await next_of(one)] == [b"first", b"second"]
        assert await next_of(two) == b"first"
        assert await next_of(other) == b"another"


async def test_nothing_is_kept_for_whoever_comes_later(bus: Bus) -> None:
    await bus.publish("a", b"before")
    async with bus.subscribe("a") as messages:
        await bus.publish("a", b"after")
        assert await next_of(messages) == b"after"


async def test_a_subscriber_who_is_busy_loses_what_is_too_much_and_holds_nobody_up() -> None:
    bus = InProcessBus()
    async with bus.subscribe("a") as messages:
        for number in range(MOST_WAITING + 10):
            await bus.publish("a", str(number).encode())
        found = [await next_of(messages) for _ in range(MOST_WAITING)]
        assert found == [str(number).encode() for number in range(MOST_WAITING)]
        await bus.publish("a", b"later")
        assert await next_of(messages) == b"later"


async def test_closing_ends_every_subscription() -> None:
    bus = InProcessBus()
    async with bus.subscribe("a") as messages:
        await bus.publish("a", b"one")
        await bus.close()
        assert [one async for one in messages] == [b"one"]
    async with bus.subscribe("a") as messages:
        assert [one async for one in messages] == []


async def test_a_message_beyond_the_limit_is_refused(bus: Bus) -> None:
    await bus.publish("a", b"x" * MOST_BYTES)
    with pytest.raises(MessageTooLarge):
        await bus.publish("a", b"x" * (MOST_BYTES + 1))


async def test_a_waker_may_be_called_from_any_thread(bus: Bus) -> None:
    wake = Waker(bus, asyncio.get_running_loop())
    async with bus.subscribe(EVENTS) as messages:

        def burst() -> None:
            for _ in range(100):
                wake()

        thread = threading.Thread(target=burst)
        thread.start()
        await asyncio.to_thread(thread.join)
        assert await next_of(messages) == b""


def test_a_waker_whose_loop_is_gone_does_nothing() -> None:
    loop = asyncio.new_event_loop()
    wake = Waker(InProcessBus(), loop)
    loop.close()
    wake()


async def test_what_the_ledger_commits_wakes_after_it_can_be_read(bus: Bus, world: World) -> None:
    seen: list[int] = []
    wake = Waker(bus, asyncio.get_running_loop())

    def on_commit() -> None:
        seen.append(len(world.ledger.book.chain))
        wake()

    world.ledger.database.on_commit = on_commit
    async with bus.subscribe(EVENTS) as messages:
        await asyncio.to_thread(world.ledger.submit, world.transfer())
        assert await next_of(messages) == b""
    assert seen
