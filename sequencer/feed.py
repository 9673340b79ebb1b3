"""What happens, as it happens: the events table followed once a process, for all who listen.

The table is the authority and everyone reads it by number, so nothing is lost or told twice, to
whoever comes back too: a wake-up only says when to look, and it is looked now and then anyway.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile

import structlog

from protocol.channels import channel_id
from protocol.codec import Json
from protocol.transactions import Open, Transaction, Transfer, Withdraw
from sequencer.bus import EVENTS, Bus
from sequencer.errors import StorageError
from sequencer.storage import events, mempool
from sequencer.storage.database import Database
from sequencer.storage.events import Event

POLL_S = 1.0
PAGE = 500
KEPT = 4_096
"""So many of the newest events are in memory; who is further behind reads the table."""

_INDEX_MASK = (1 << 24) - 1
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """An event with the accounts and the channel that its transaction is about, if it has any."""

    event: Event
    accounts: tuple[int, ...] = ()
    channel_id: int | None = None

    def to_json(self) -> Json:
        """{"id", "kind", "subject", "at", "accounts", "channel_id"}."""
        return {
            "id": str(self.event.id),
            "kind": self.event.kind,
            "subject": self.event.subject,
            "at": self.event.at,
            "accounts": [str(one) for one in self.accounts],
            "channel_id": None if self.channel_id is None else str(self.channel_id),
        }


@dataclass(frozen=True, slots=True)
class Interest:
    """Whom a listener asks about: everything where neither is given."""

    account: int | None = None
    channel_id: int | None = None

    def takes(self, told: Told) -> bool:
        """Whether the event is to be told."""
        if self.account is not None and self.account not in told.accounts:
            return False
        return self.channel_id in (None, told.channel_id)


def about(transaction: Transaction) -> tuple[tuple[int, ...], int | None]:
    """The accounts that a transaction is about, and its channel."""
    match transaction.body:
        case Transfer(from_index=sender, to_index=to):
            return (sender, to), None
        case Withdraw(index=index):
            return (index,), None
        case Open(a_index=a, b_index=b, nonce=nonce):
            return (a, b), channel_id(a, b, nonce)
        case body:
            id_ = body.channel_id
            return (id_ & _INDEX_MASK, id_ >> 32 & _INDEX_MASK), id_


class Feed:
    """Of one process. Its methods belong to one event loop."""

    def __init__(self, database: Database, bus: Bus, poll_s: float = POLL_S) -> None:
        self._database, self._bus, self._poll_s = database, bus, poll_s
        self._recent: deque[Told] = deque(maxlen=KEPT)
        self._newest: int | None = None
        self._grown = asyncio.Condition()
        self._wake = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._listeners = 0

    async def __aenter__(self) -> Feed:
        """One more listens. Raises StorageError."""
        self._listeners += 1
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="feed")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listeners -= 1
        if not self._listeners and self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
            self._following, self._newest = None, None
            self._recent.clear()

    @property
    def listeners(self) -> int:
        """How many listen."""
        return self._listeners

    async def newest(self) -> int:
        """The number of the newest event; 0 where there is none. Raises StorageError."""
        return await asyncio.to_thread(self._read_newest)

    async def after(self, id_: int) -> Sequence[Told]:
        """The next events, in order, at most PAGE; from the table where memory does not reach back.

        Raises StorageError.
        """
        recent = self._recent
        if self._newest is not None and id_ >= self._newest:
            return ()
        if recent and recent[0].event.id <= id_ + 1:
            later = list(takewhile(lambda one: one.event.id > id_, reversed(recent)))
            return later[: -PAGE - 1 : -1]
        return await asyncio.to_thread(self._read, id_)

    async def wait(self, id_: int, timeout_s: float) -> None:
        """Until an event later than `id_` is known, or for this long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._grown:
                await self._grown.wait_for(lambda: (self._newest or 0) > id_)

    async def _follow(self) -> None:
        pump = asyncio.create_task(self._pump())
        try:
            while True:
                self._wake.clear()
                try:
                    await self._look()
                except StorageError as error:
                    _log.warning("the feed will look again", why=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):  # wait_for may lose a cancellation
                        await self._wake.wait()
        finally:
            pump.cancel()

    async def _pump(self) -> None:
        async with self._bus.subscribe(EVENTS) as messages:
            async for _ in messages:
                self._wake.set()

    async def _look(self) -> None:
        if self._newest is None:
            self._newest = await self.newest()
            await self._tell()
        while found := await asyncio.to_thread(self._read, self._newest):
            self._recent.extend(found)
            self._newest = found[-1].event.id
            await self._tell()

    async def _tell(self) -> None:
        async with self._grown:
            self._grown.notify_all()

    def _read_newest(self) -> int:
        with self._database.read() as connection:
            return events.last_number(connection)

    def _read(self, id_: int) -> list[Told]:
        with self._database.read() as connection:
            found = events.after(connection, id_, PAGE)
            ids = list(dict.fromkeys(one.subject for one in found))
            bodies = mempool.transactions_of(connection, ids)
        return [
            Told(one, *about(bodies[one.subject])) if one.subject in bodies else Told(one)
            for one in found
        ]
