"""A copy of a market's journal in a household's own folder, and what it says, computed here.

Nothing that a market says is taken for true: each entry must follow from those before it, and each
clearing and settlement from the entries. What does not is kept all the same: it is signed, and so
the proof. From then on this copy follows nothing more, and says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from energy.errors import AnotherKey, ClockAhead, EnergyError, JournalBroken, JournalForked
from energy.market.client import MarketClient, entries_of
from energy.market.entries import Entry, following
from energy.market.journal import Journal
from energy.market.market import Market
from energy.market.reading_on import followed

MOST_AHEAD_MS = 600_000
"""How far a market's clock may be ahead. With one of its own making it could close votes, let
orders end and call settlements final before their time."""


class Follower:
    """One copy. `market`: what it says. Several agents of one machine may share it."""

    def __init__(
        self,
        client: MarketClient,
        journal: Journal,
        domain: int | None,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        """Fold what the copy has. Raises JournalBroken, EntryDoesNotFollow."""
        self.market = Market(domain)
        self._now_ms = now_ms
        self._client, self._journal = client, journal
        self._turn = asyncio.Lock()
        self._wrong: EnergyError | None = None
        for entry in following(journal.entries(), journal.key):
            followed(entry, self.market.add)

    @classmethod
    async def open(
        cls,
        client: MarketClient,
        folder: Path | str,
        *,
        key: bytes | None = None,
        domain: int | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> Follower:
        """The copy in a folder, begun where there is none.

        `now_ms`: this machine's clock (Unix ms, UTC), of which a market's may not be far ahead;
        None where days are replayed.
        `key`: the market's, if it is known from elsewhere; otherwise a new copy takes the one that
        the market names, and an old one goes on with its own. Raises AnotherKey, JournalInUse,
        JournalUnusable, MarketUnreachable, MarketRefused, and as the constructor.
        """
        told = (await client.journal(0, 1)).key
        if key is not None and key != told:
            raise AnotherKey(told.hex())
        journal = Journal(folder, told)
        try:
            return await asyncio.to_thread(cls, client, journal, domain, now_ms)
        except BaseException:
            journal.close()
            raise

    def close(self) -> None:
        """Let go of the copy."""
        self._journal.close()

    async def catch_up(self) -> int:
        """Follow the market to its newest entry; how many were new.

        Raises JournalBroken, JournalForked, AnotherKey, EntryDoesNotFollow, ClockAhead,
        JournalUnusable, MarketUnreachable, MarketRefused.
        """
        count = 0
        async with self._turn:
            if self._wrong is not None:
                raise self._wrong
            while True:
                page = await self._client.journal(self.market.seq)
                if page.key != self._journal.key:
                    raise AnotherKey(page.key.hex())
                if page.newest < self.market.seq:
                    raise JournalForked(page.newest + 1)
                entries = entries_of(page)
                await asyncio.to_thread(self._take, entries)
                count += len(entries)
                if not entries or self.market.seq >= page.newest:
                    return count

    def _check_clock(self, entry: Entry) -> None:
        now_ms = entry.time_ms if self._now_ms is None else self._now_ms()
        if entry.time_ms > now_ms + MOST_AHEAD_MS:
            raise ClockAhead(entry.seq, entry.time_ms - now_ms)

    def _take(self, entries: list[Entry]) -> None:
        taken: list[Entry] = []
        try:
            for entry in following(entries, self._journal.key, self._journal.last):
                self._check_clock(entry)
                taken.append(entry)
                followed(entry, self.market.add)
        except ClockAhead:
            raise  # a clock may be set right: either one
        except JournalBroken as error:
            if error.seq == entries[0].seq and _is_signed(entries[0], self._journal.key):
                raise JournalForked(error.seq) from error
            raise
        except EnergyError as error:
            self._wrong = error
            raise
        finally:
            self._journal.append(taken)


def _is_signed(entry: Entry, key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(entry.signature, entry.chain)
    except InvalidSignature:
        return False
    return True
