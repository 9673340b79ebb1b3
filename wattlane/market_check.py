"""A journal computed again: every entry from those before it, and what it all comes to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from energy.market.client import MarketClient, entries_of
from energy.market.entries import Entry, following
from energy.market.journal import Journal, newest_of, read_journal
from energy.market.market import Market
from energy.market.reading_on import followed
from energy.settlement.flows import net_ntok
from energy.settlement.revise import flows_of
from wattlane.errors import BadChoice

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Computed:
    """What a journal comes to. `state`: a hash over all clearings and settlements, so that two
    who have computed it can compare; `unbalanced_ntok`: what is not zero and should be.
    """

    market: Market
    kinds: Counter[str]
    key: bytes
    state: bytes
    traded_wh: int
    adjustments: int
    unbalanced_ntok: int


def recompute(key: bytes, entries: Iterator[Entry], report: Report, newest: int) -> Computed:
    """Fold all entries. Raises EntryDoesNotFollow, JournalBroken, JournalUnusable."""
    market, kinds = Market(), Counter[str]()
    for entry in entries:
        kinds[followed(entry, market.add)] += 1
        report(entry.seq, max(newest, entry.seq))
    if not kinds:
        raise BadChoice("the journal has no entries yet: there is nothing to compute")
    return _computed(market, kinds, key)


def from_folder(folder: Path, report: Report) -> Computed:
    """A journal's file, or its folder, computed again. Raises as `recompute`."""
    key, entries = read_journal(folder)
    return recompute(key, entries, report, newest_of(folder))


async def download(url: str, folder: Path, report: Report) -> None:
    """Bring a copy of a market's journal up to date, unchecked but for its chain and signatures.

    Raises MarketUnreachable, MarketRefused, JournalBroken, JournalInUse, JournalUnusable.
    """
    async with MarketClient(url) as client:
        key = (await client.journal(0, 1)).key
        journal = Journal(folder, key)
        try:
            while True:
                last = journal.last
                page = await client.journal(last.seq if last else 0)
                journal.append(list(following(entries_of(page), key, last)))
                if not page.entries:
                    return
                report(journal.last.seq if journal.last else 0, page.newest)
        finally:
            journal.close()


def _computed(market: Market, kinds: Counter[str], key: bytes) -> Computed:
    state, traded, adjustments, unbalanced = hashlib.sha256(), 0, 0, 0
    for found in market.periods.rounds.values() if kinds["community"] else ():
        state.update(found.name)
        for name in found.names:
            state.update(name)
        traded += found.clearing.traded_wh
        adjustments += max(0, len(found.chain) - 1)
        unbalanced += abs(sum(net_ntok(flows_of(found.chain)).values()))
    return Computed(market, kinds, key, state.digest(), traded, adjustments, unbalanced)
