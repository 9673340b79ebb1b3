"""Redis killed and started again: messages are lost meanwhile, nobody waits, and all hear again."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import pytest

from sequencer.bus import InProcessBus
from sequencer.errors import BadSettings
from sequencer.redis_bus import RedisBus, open_bus
from tests.support.services import RedisServer

PATIENCE_S = 60.0


async def heard(bus: RedisBus, messages: AsyncIterator[bytes], topic: str) -> None:
    """Publish until one arrives, as whoever polls beside the bus would not notice."""
    arrived = asyncio.ensure_future(anext(messages))
    deadline = time.monotonic() + PATIENCE_S
    while not arrived.done():
        assert time.monotonic() < deadline
        await bus.publish(topic, b"here")
        await asyncio.wait({arrived}, timeout=0.1)
    assert arrived.result() == b"here"


async def test_messages_go_from_process_to_process(redis_server: RedisServer) -> None:
    one, other = RedisBus(redis_server.url), RedisBus(redis_server.url)
    async with one.subscribe("relay.7") as messages:
        await other.publish("relay.8", b"not this")
        await other.publish("relay.7", bytes(range(256)))
        assert await asyncio.wait_for(anext(messages), PATIENCE_S) == bytes(range(256))
    await one.close()
    await other.close()


async def test_subscribers_hear_again_after_redis_was_killed(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.subscribe("a") as first:
        await heard(bus, first, "a")
        redis_server.end(signal.SIGKILL)
        await bus.publish("a", b"lost")
        async with bus.subscribe("b") as second:
            redis_server.start()
            await heard(bus, second, "b")
            await heard(bus, first, "a")
    await bus.close()


async def test_without_redis_nobody_waits_and_closing_ends_subscriptions(
    redis_server: RedisServer,
) -> None:
    redis_server.end(signal.SIGKILL)
    bus = RedisBus(redis_server.url)
    async with bus.subscribe("a") as messages:
        await bus.publish("a", b"lost")
        await bus.close()
        assert [one async for one in messages] == []
    await bus.publish("a", b"lost too")


async def test_the_settings_say_which_bus_it_is() -> None:
    assert isinstance(open_bus(None), InProcessBus)
    assert isinstance(open_bus("redis://127.0.0.1:1/0"), RedisBus)
    with pytest.raises(BadSettings):
        open_bus("http://nowhere")
