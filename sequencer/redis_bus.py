"""A bus between processes, through Redis: best effort, as every bus, and back by itself.

Redis holds nothing of ours: killed, it costs the messages that were under way. While it is away,
what is published is lost at once and nobody waits; subscriptions stay, and hear again when it is
back. One connection a process hears for all subscribers.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from sequencer.bus import Bus, InProcessBus, check_message
from sequencer.errors import BadSettings

TIMEOUT_S = 2.0
"""The longest that a message may take to Redis, and a subscription to be confirmed."""

AGAIN_S = 0.2
"""The pause before a lost connection is tried again."""

_PREFIX = "wattlane:"
_LOST = (RedisError, OSError, TimeoutError)
_log = structlog.get_logger(__name__)


def open_bus(redis_url: str | None) -> Bus:
    """The bus that the settings name: through Redis, or within this process. Raises BadSettings."""
    return InProcessBus() if redis_url is None else RedisBus(redis_url)


class RedisBus:
    """See `Bus`. Topics are channels `wattlane:<topic>` of the database that the URL names."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. Raises BadSettings for a URL that is none."""
        try:
            self._redis = Redis.from_url(
                url,
                socket_connect_timeout=TIMEOUT_S,
                socket_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
                health_check_interval=15,
            )
        except ValueError as error:
            raise BadSettings(f"redis_url: {error}") from error
        self._here = InProcessBus()
        self._wanted: Counter[str] = Counter()
        self._confirmed: dict[str, asyncio.Event] = {}
        self._heard: PubSub | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._closed = False

    async def publish(self, topic: str, message: bytes) -> None:
        """As `Bus.publish`."""
        check_message(message)
        if self._closed or time.monotonic() < self._away_until:
            return
        try:
            await self._redis.publish(_PREFIX + topic, message)
        except _LOST as error:
            self._away(error)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """As `Bus.subscribe`."""
        async with self._here.subscribe(topic) as messages:
            self._wanted[topic] += 1
            try:
                if not self._closed:
                    await self._hear(topic)
                yield messages
            finally:
                self._wanted[topic] -= 1
                if not self._wanted[topic]:
                    del self._wanted[topic]
                    self._confirmed.pop(topic, None)
                    await self._tell_redis(topic, wanted=False)

    async def close(self) -> None:
        """As `Bus.close`."""
        self._closed = True
        await self._here.close()
        if self._hearing is not None:
            self._hearing.cancel()
            with suppress(asyncio.CancelledError):
                await self._hearing
        await self._redis.aclose()

    async def _hear(self, topic: str) -> None:
        """Hear a topic from now on: until Redis says so, or a while where it says nothing."""
        confirmed = self._confirmed.setdefault(topic, asyncio.Event())
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear_always())
        elif self._wanted[topic] == 1:
            await self._tell_redis(topic, wanted=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(confirmed.wait(), TIMEOUT_S)

    async def _tell_redis(self, topic: str, *, wanted: bool) -> None:
        heard = self._heard
        if heard is None:
            return  # the next connection asks for all topics that are wanted then
        with suppress(*_LOST):
            if wanted:
                await heard.subscribe(_PREFIX + topic)
            else:
                await heard.unsubscribe(_PREFIX + topic)

    async def _hear_always(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as heard:
                    await self._hear_from(heard)
            except _LOST as error:
                self._away(error)
            finally:
                self._heard = None
            await asyncio.sleep(AGAIN_S)

    async def _hear_from(self, heard: PubSub) -> None:
        """Hand on what one connection hears, until it is lost. Raises what lost it."""
        asked = set(self._wanted)
        await heard.subscribe(_PREFIX, *(_PREFIX + topic for topic in asked))
        self._heard = heard
        for topic in self._wanted.keys() - asked:  # those that came meanwhile
            await heard.subscribe(_PREFIX + topic)
        while True:
            message = await heard.get_message(timeout=TIMEOUT_S)
            if message is None:
                continue
            topic = message["channel"].decode()[len(_PREFIX) :]
            if message["type"] == "message":
                await self._here.publish(topic, message["data"])
            elif message["type"] == "subscribe" and topic in self._confirmed:
                self._confirmed[topic].set()

    def _away(self, error: Exception) -> None:
        """Leave Redis alone for a moment."""
        self._away_until = time.monotonic() + AGAIN_S
        _log.warning("Redis is away; messages are lost, nothing else", why=str(error)[:200])
