"""Where a community is read from, a file or a market, and how its changes get to one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from energy.canonical import decode
from energy.community.community import Community
from energy.community.community_file import load_community
from energy.community.document import decode_community
from energy.community.history import TAKEN, History, advanced, founded
from energy.errors import BadDocument
from energy.market.client import MarketClient, entries_of
from energy.market.entries import Entry, following
from energy.market.journal import read_journal
from energy.market.models import Taken
from energy.market.reading_on import followed
from energy.signed import decode_signed
from wattlane.errors import BadChoice

FOUNDING = "community"


def is_url(source: str) -> bool:
    """Whether it is a market's address, and no file."""
    return source.startswith(("http://", "https://"))


async def community_from(source: str) -> Community:
    """The community of a TOML file, or the present one of a market.

    Raises BadCommunityFile, MarketUnreachable, MarketRefused.
    """
    if not is_url(source):
        return load_community(source)
    async with MarketClient(source) as client:
        return decode_community((await client.community()).document)


async def hand_in(encoded: bytes, market: str) -> Taken:
    """Give a signed document to a market. Raises MarketUnreachable, MarketRefused."""
    async with MarketClient(market) as client:
        return await client.submit(encoded)


async def history_from(
    source: str, now_ms: int, report: Callable[[int, int], None] | None = None
) -> History:
    """A community over time, from a market or from the folder of a journal, checked and folded.

    `report` is called with (entries read, entries there are). Raises BadChoice where there is none,
    JournalBroken, JournalUnusable, EntryDoesNotFollow, MarketUnreachable.
    """
    history: History | None = None
    if is_url(source):
        async for entry in _downloaded(source, report):
            history = followed(entry, partial(_with, history))
    else:
        _, entries = read_journal(Path(source))
        for entry in entries:
            history = followed(entry, partial(_with, history))
    if history is None:
        raise BadChoice(f"{source}: the journal has no community yet")
    return advanced(history, now_ms)


async def _downloaded(url: str, report: Callable[[int, int], None] | None) -> AsyncIterator[Entry]:
    last: Entry | None = None
    async with MarketClient(url) as client:
        key = (await client.info()).key
        while True:
            page = await client.journal(after=last.seq if last else 0)
            for entry in following(entries_of(page), key, last):
                yield entry
                last = entry
            if report is not None:
                report(last.seq if last else 0, page.newest)
            if not page.entries:
                return


def _with(history: History | None, entry: Entry) -> History | None:
    """With an entry that is about the community; others leave it as it is."""
    if _type(entry.document) != "signed":
        return history
    signed = decode_signed(entry.document)
    kind = _type(signed.document)
    if kind == FOUNDING and history is None:
        return founded(signed, entry.time_ms)
    if kind in TAKEN and history is not None:
        return TAKEN[kind](history, signed, entry.time_ms)
    return history


def _type(document: bytes) -> str:
    try:
        value = decode(document, "document", len(document))
    except BadDocument:
        return ""
    kind = value.get("type") if isinstance(value, dict) else None
    return kind if isinstance(kind, str) else ""
