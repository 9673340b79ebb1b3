"""Journals for tests: entries that follow one another, signed by a key of the tests' own."""

from __future__ import annotations

from pathlib import Path

from energy.canonical import encode
from energy.market.entries import BEGINNING, Entry, chain_of
from energy.market.log_key import LogKey

KEY = LogKey(bytes(range(32)))


def document(number: int) -> bytes:
    """Some canonical document."""
    return encode({"type": "note", "number": number})


def entry(last: Entry | None, content: bytes, time_ms: int) -> Entry:
    """The entry that follows `last`."""
    seq, before = (last.seq + 1, last.chain) if last else (1, BEGINNING)
    chain = chain_of(before, seq, time_ms, content)
    return Entry(seq, time_ms, content, chain, KEY.sign(chain))


def entries(count: int) -> list[Entry]:
    """So many, one a millisecond."""
    found: list[Entry] = []
    for number in range(count):
        found.append(entry(found[-1] if found else None, document(number), 1_000 + number))
    return found


def folder_of(tmp_path: Path) -> Path:
    """Where a journal is kept."""
    return tmp_path / "market"
