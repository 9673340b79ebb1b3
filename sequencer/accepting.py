"""Many posts at once into the intake: what waits together is written together.

A write takes as long as the disk; while one is under way all that comes in waits, and goes into
the next. Nothing is answered before its write has ended. All methods belong to one event loop.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from sequencer.errors import MempoolFull, StorageError
from sequencer.intake import Intake
from sequencer.storage import intake as rows
from sequencer.storage.database import Database
from sequencer.storage.intake import Offered

MOST_AT_ONCE = 1_024
"""Transactions in one write."""

LOOK_S = 0.05
"""How often to look what became of those that somebody waits for."""

Outcomes = list[MempoolFull | None]


class Accepting:
    """What the routes of one process give their transactions to."""

    def __init__(self, database: Database, intake: Intake) -> None:
        self._database, self.intake = database, intake
        self._offers: deque[tuple[Sequence[Offered], asyncio.Future[Outcomes]]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._waited: dict[str, set[asyncio.Future[None]]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def accept(self, offered: Sequence[Offered]) -> Outcomes:
        """As `Intake.accept`, written together with what others offer. Raises StorageError."""
        future: asyncio.Future[Outcomes] = asyncio.get_running_loop().create_future()
        self._offers.append((offered, future))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await future

    async def executed(self, id_: str, within_s: float) -> bool:
        """Wait until the batcher has executed an accepted transaction; False where it has not."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waited.setdefault(id_, set()).add(future)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(future, within_s)
        except TimeoutError:
            return False
        finally:
            self._waited[id_].discard(future)
            if not self._waited[id_]:
                del self._waited[id_]
        return True

    async def _write(self) -> None:
        while self._offers:
            group = [self._offers.popleft()]
            count = len(group[0][0])
            while self._offers and count + len(self._offers[0][0]) <= MOST_AT_ONCE:
                group.append(self._offers.popleft())
                count += len(group[-1][0])
            everything = [one for offered, _ in group for one in offered]
            try:
                outcomes = await asyncio.to_thread(self.intake.accept, everything)
            except Exception as error:  # noqa: BLE001 - each of those who wait raises it
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
                continue
            for offered, future in group:
                own, outcomes = outcomes[: len(offered)], outcomes[len(offered) :]
                if not future.done():
                    future.set_result(own)

    async def _look(self) -> None:
        while self._waited:
            await asyncio.sleep(LOOK_S)
            ids = list(self._waited)
            with suppress(StorageError):
                waiting = await asyncio.to_thread(self._present, ids)
                for id_ in set(ids) - waiting:
                    for future in self._waited.get(id_, ()):
                        if not future.done():
                            future.set_result(None)

    def _present(self, ids: Sequence[str]) -> set[str]:
        with self._database.read() as connection:
            return rows.present(connection, ids)
