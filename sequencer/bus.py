"""Messages between the parts of a sequencer, by topic: best effort, never the only way to know.

The database is the authority. A message says that there may be something new; it can be lost or
come twice, so whoever subscribes also looks now and then.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Protocol

from sequencer.errors import MessageTooLarge

EVENTS = "events"
"""The topic that says: the events table has grown. Its messages are empty."""

MOST_BYTES = 65_536
"""No message is longer."""

MOST_WAITING = 256
"""So many messages wait for a subscriber who is busy; what comes on top is lost to that one."""


class Bus(Protocol):
    """What publishes and subscribes. All methods belong to one event loop."""

    async def publish(self, topic: str, message: bytes) -> None:
        """Give `message` to whoever subscribes to `topic` now. Raises MessageTooLarge alone: what
        cannot be sent is lost.
        """

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """What is published on `topic` from now on, in order, until the bus is closed."""

    async def close(self) -> None:
        """End every subscription. A closed bus takes messages and gives them to nobody."""


def check_message(message: bytes) -> bytes:
    """The message, if a bus takes it. Raises MessageTooLarge."""
    if len(message) > MOST_BYTES:
        raise MessageTooLarge(len(message), MOST_BYTES)
    return message


class InProcessBus:
    """A bus within one process and event loop."""

    def __init__(self) -> None:
        self._queues: dict[str, set[asyncio.Queue[bytes | None]]] = defaultdict(set)
        self._closed = False

    async def publish(self, topic: str, message: bytes) -> None:
        """As `Bus.publish`."""
        check_message(message)
        for queue in self._queues.get(topic, ()):
            if queue.qsize() < MOST_WAITING:
                queue.put_nowait(message)

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """As `Bus.subscribe`."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queues[topic].add(queue)
        if self._closed:
            queue.put_nowait(None)
        try:
            yield _messages(queue)
        finally:
            self._queues[topic].discard(queue)
            if not self._queues[topic]:
                del self._queues[topic]

    async def close(self) -> None:
        """As `Bus.close`."""
        self._closed = True
        for queues in self._queues.values():
            for queue in queues:
                queue.put_nowait(None)


async def _messages(queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    while (message := await queue.get()) is not None:
        yield message


class Waker:
    """Publishes one empty message on a topic however often a burst of calls asks for it.

    May be called from any thread; once the event loop is gone, it does nothing.
    """

    def __init__(self, bus: Bus, loop: asyncio.AbstractEventLoop, topic: str = EVENTS) -> None:
        self._bus, self._loop, self._topic = bus, loop, topic
        self._waking: asyncio.Task[None] | None = None
        self._again = False

    def __call__(self) -> None:
        """There is something new."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._waking is None or self._waking.done():
            self._waking = self._loop.create_task(self._publish())
        else:
            self._again = True

    async def _publish(self) -> None:
        while True:
            self._again = False
            await self._bus.publish(self._topic, b"")
            if not self._again:
                return
