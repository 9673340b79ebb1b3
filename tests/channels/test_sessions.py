"""A session answers whoever reads the answers, and keeps no more of them than it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from channels.frame_codec import decode_all, encode
from channels.frames import Answer, Ask, Nack, Request
from channels.sessions import Session
from tests.channels.street import BEN

ASKED = 5_000
"""Their answers, 500 bytes each, are more than twice what a session keeps for a peer."""


class Asker:
    """A wire to a peer that asks and asks, and reads the answers or never does."""

    def __init__(self, *, reads: bool) -> None:
        self.answers: list[int] = []
        self.messages = self.asked = 0
        self.closed: int | None = None
        self._reads, self._all_read = asyncio.Event(), asyncio.Event()
        if reads:
            self._reads.set()

    async def send(self, message: bytes) -> None:
        """Take a message, if this peer reads."""
        await self._reads.wait()
        self.messages += 1
        self.answers += [frame.id for frame in decode_all(message) if isinstance(frame, Nack)]
        if len(self.answers) >= ASKED:
            self._all_read.set()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """The other end has had enough."""
        self.closed = code

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Questions, fifty in a message; it goes on until all are asked, and answered if read."""
        while self.asked < ASKED:
            first = self.asked + 1
            self.asked += 50
            yield b"".join(encode(Ask(number, 7)) for number in range(first, first + 50))
            await asyncio.sleep(0)
        if self._reads.is_set():
            await self._all_read.wait()


async def at_length(session: Session, frame: Request) -> Answer:
    """An answer much longer than the question."""
    return Nack(frame.id, "No", "x" * 490)


async def test_a_peer_that_asks_and_does_not_read_is_left() -> None:
    wire = Asker(reads=False)
    session = Session(wire, BEN.index, at_length)
    async with asyncio.timeout(60):
        await session.run()
    assert wire.closed == 1008
    assert wire.asked < ASKED
    kept = sum(len(frame) for frame, _ in session._outbox)
    assert kept < 1_024 * (1_024 + 510), "the limit, and what was in flight when it was reached"


async def test_a_peer_that_reads_may_ask_as_much_as_it_likes() -> None:
    wire = Asker(reads=True)
    async with asyncio.timeout(60):
        await Session(wire, BEN.index, at_length).run()
    assert wire.closed is None
    assert wire.answers == list(range(1, ASKED + 1)), "each once, in order"
    assert wire.messages < ASKED / 10, "answers share messages"
