"""What somebody who typed this may have meant: numbers, ids, hashes and addresses; nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

from protocol.units import CHANNEL_ID_BITS, INDEX_BITS
from sequencer.errors import NotFound
from sequencer.pages.reading import PageReader

MOST_CHARACTERS = 128
_NUMBER = re.compile(r"[0-9]{1,39}")
_HASH = re.compile(r"(?:0x)?[0-9a-f]{64}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_HEX = re.compile(r"0x[0-9a-f]{1,24}")


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that fits."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that fits. `text` is what was typed, cut to size; it goes back only as escaped text."""

    text: str
    hits: tuple[Hit, ...]


def search(reader: PageReader, typed: str) -> Found:
    """Every page that `typed` names."""
    text = typed.strip()[:MOST_CHARACTERS]
    wanted = text.lower().removeprefix("home ").removeprefix("batch ").replace(",", "")
    hits: list[Hit] = []
    if _NUMBER.fullmatch(wanted):
        hits += _numbered(reader, int(wanted))
    if _HASH.fullmatch(wanted):
        hits += _hashed(reader, wanted.removeprefix("0x"))
    if _ADDRESS.fullmatch(wanted):
        hits += [_home(index) for index in reader.homes_of(int(wanted, 16))]
    if _HEX.fullmatch(wanted):
        hits += _of_channel(reader, int(wanted, 16))
    return Found(text, tuple(hits))


def _home(index: int) -> Hit:
    return Hit(f"/homes/{index}", f"Home {index}")


def _numbered(reader: PageReader, number: int) -> list[Hit]:
    hits: list[Hit] = []
    if number < 1 << INDEX_BITS:
        for hit, read in (
            (Hit(f"/batches/{number}", f"Batch {number}"), reader.batch),
            (_home(number), reader.home),
            (Hit(f"/channels/{number}", f"Channel in slot {number}"), reader.channel),
        ):
            try:
                read(number)
            except NotFound:
                continue
            hits.append(hit)
    return hits or _of_channel(reader, number)


def _of_channel(reader: PageReader, channel_id: int) -> list[Hit]:
    if channel_id >> CHANNEL_ID_BITS:
        return []
    slot = reader.slot_of(channel_id)
    return [] if slot is None else [Hit(f"/channels/{slot}", f"Channel {channel_id:#x}")]


def _hashed(reader: PageReader, digits: str) -> list[Hit]:
    hits = []
    try:
        reader.transaction(digits)
        hits.append(Hit(f"/transactions/{digits}", f"Transaction {digits[:8]}…"))
    except NotFound:
        pass
    number = reader.batch_named(f"0x{digits}")
    if number is not None:
        hits.append(Hit(f"/batches/{number}", f"Batch {number}"))
    return hits
