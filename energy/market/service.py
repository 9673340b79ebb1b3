"""A market at work: documents checked, on disk, counted; clearings and settlements when due.

One thing at a time: what is checked is checked against everything that is on disk. A document is
answered only once it is durable, and a repeated one is answered as the first time. Whatever takes
long is done in a thread, so that nobody else's question waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from energy.errors import EnergyError, NotToBeFounded, TooManyRequests, UnknownKind
from energy.market.entries import BEGINNING, Entry, chain_of, following
from energy.market.journal import Journal
from energy.market.log_key import LogKey
from energy.market.market import MADE_HERE, Market, Prepared, kind_of, shown_kind
from energy.market.periods import Running
from energy.market.rates import UNLIMITED, Shares, party_of
from energy.meters.reading import TYPE as READING
from energy.meters.reading import decode_reading
from energy.signed import decode_signed

_log = structlog.get_logger(__name__)
_AT_ONCE = 200
"""Documents of its own that a market makes before it looks at what others bring."""


class Clock(Protocol):
    """What a market takes for the time."""

    def now_ms(self) -> int:
        """Unix ms, UTC."""

    def see(self, document: bytes) -> None:
        """A document that comes in, before it is checked."""


@dataclass(slots=True)
class WallClock:
    """This machine's clock. `read_ms`: gives Unix ms."""

    read_ms: Callable[[], int]

    def now_ms(self) -> int:
        """Unix ms, UTC."""
        return self.read_ms()

    def see(self, document: bytes) -> None:
        """Nothing moves it."""


@dataclass(slots=True)
class MeterClock:
    """For days that are over: the time is the newest that a reading ends at. Whoever has a meter
    can move it, so it is for replays alone."""

    time_ms: int

    def now_ms(self) -> int:
        """Unix ms, UTC."""
        return self.time_ms

    def see(self, document: bytes) -> None:
        """A reading moves it on."""
        try:
            if kind_of(document) == READING:
                self.time_ms = max(self.time_ms, decode_reading(document).end_ms)
        except EnergyError:
            pass  # the check that follows says what it is


@dataclass(frozen=True, slots=True)
class Given:
    """What became of a document that was handed in."""

    entry: Entry
    kind: str
    is_new: bool


class MarketService:
    """A journal, what it says, and the key that signs it."""

    def __init__(
        self,
        journal: Journal,
        key: LogKey,
        clock: Clock,
        domain: int | None,
        founds: bytes | None = None,
    ) -> None:
        """`founds`: the digest of the one community that may found this market, None: none may.

        Raises JournalBroken, JournalUnusable and whatever does not follow in the journal.
        """
        self._founds = founds
        self.journal, self.clock = journal, clock
        self._key = key
        self.shares = Shares(UNLIMITED)
        self._turn, self._counting = asyncio.Lock(), asyncio.Lock()
        self.market = Market(domain)
        for entry in following(journal.entries(), key.public):
            self.market.add(entry)
        self.problem: str | None = None

    @classmethod
    def open(
        cls,
        folder: Path | str,
        clock: Clock,
        domain: int | None = None,
        founds: bytes | None = None,
    ) -> MarketService:
        """The market of a folder, begun where there is none. Raises as the constructor, and
        JournalInUse."""
        key = LogKey.of_folder(folder)
        journal = Journal(folder, key.public)
        try:
            return cls(journal, key, clock, domain, founds)
        except BaseException:
            journal.close()
            raise

    @property
    def key(self) -> bytes:
        """The public key that signs the journal, 32 bytes."""
        return self._key.public

    def now_ms(self) -> int:
        """The market's time: its clock's, never before the journal's last entry."""
        return max(self.clock.now_ms(), self.market.time_ms)

    def close(self) -> None:
        """Let go of the journal."""
        self.journal.close()

    async def submit(self, document: bytes) -> Given:
        """Take a document from outside; it is on disk on return.

        It may take long to go through one: that is done beside what else is asked. Raises
        EnergyError leaves that name what is wrong with it, TooManyRequests, JournalUnusable.
        """
        party = await asyncio.to_thread(party_of, document)
        async with self._turn:
            known = await asyncio.to_thread(self.journal.find, document)
            if known is not None:
                return Given(known, await asyncio.to_thread(shown_kind, document), False)
            self.shares.check(party)
            prepared, now_ms = await asyncio.to_thread(self._prepare, document)
            entry = await self._append(prepared, now_ms)
            with suppress(TooManyRequests):
                self.shares.take(party)
            await self._make_due()
            return Given(entry, prepared.kind, True)

    def _prepare(self, document: bytes) -> tuple[Prepared, int]:
        if kind_of(document) in MADE_HERE:
            raise UnknownKind(kind_of(document))
        self._check_founding(document)
        self.clock.see(document)
        now_ms = self.now_ms()
        return self.market.prepare(document, now_ms), now_ms

    async def running(self) -> Running | None:
        """The interval under way, computed once for each entry. Raises NoCommunityYet."""
        async with self._counting:
            return await asyncio.to_thread(self.market.running)

    @property
    def waits_for_nobody(self) -> bool:
        """Whether there is no community, and none can come."""
        return self.journal.last is None and self._founds is None

    def _check_founding(self, document: bytes) -> None:
        if self.journal.last is None and shown_kind(document) == "community":
            given = decode_signed(document).digest
            if given != self._founds:
                raise NotToBeFounded(self._founds or b"", given)

    async def go_on(self) -> None:
        """Make what is due by now. Raises JournalUnusable."""
        async with self._turn:
            await self._make_due()

    async def run(self, pause_s: float = 1.0) -> None:
        """Make what is due, for ever. What fails, as a disk that is full, is said and tried again:
        documents are taken all the same."""
        while True:
            try:
                await self.go_on()
                self.problem = None
            except EnergyError as error:
                self.problem = str(error)
                _log.error("cannot make what is due", reason=str(error))
            await asyncio.sleep(pause_s)

    async def _make_due(self) -> None:
        for _ in range(_AT_ONCE):
            now_ms = self.now_ms()
            document = await asyncio.to_thread(self.market.due, now_ms)
            if document is None:
                return
            prepared = await asyncio.to_thread(self.market.prepare, document, now_ms)
            await self._append(prepared, now_ms)

    async def _append(self, prepared: Prepared, now_ms: int) -> Entry:
        last = self.journal.last
        seq, before = (last.seq + 1, last.chain) if last else (1, BEGINNING)
        chain = chain_of(before, seq, now_ms, prepared.document)
        entry = Entry(seq, now_ms, prepared.document, chain, self._key.sign(chain))
        await asyncio.to_thread(self.journal.append, [entry])
        async with self._counting:
            prepared.apply(entry)
        return entry
