"""An entry of a market's journal: a document, when it came, and a signed chain over all before it.

chain = SHA-256("wattlane-journal" | chain before | number | time | SHA-256 of the document), the
numbers 8 bytes each, big-endian; 32 zero bytes stand before the first. The market's own key
(Ed25519) signs each chain value, so two different entries of one number prove that it lied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from energy.canonical import digest
from energy.errors import JournalBroken

_TAG = b"wattlane-journal"
BEGINNING = bytes(32)
"""The chain before the first entry."""
CHAIN_BYTES, SIGNATURE_BYTES, KEY_BYTES = 32, 64, 32


@dataclass(frozen=True, slots=True)
class Entry:
    """Number `seq` (from 1) of the journal. `time_ms`: the market's clock when it was taken."""

    seq: int
    time_ms: int
    document: bytes
    chain: bytes
    signature: bytes

    @property
    def digest(self) -> bytes:
        """The document's name, 32 bytes."""
        return digest(self.document)


def chain_of(before: bytes, seq: int, time_ms: int, document: bytes) -> bytes:
    """The chain value at an entry, 32 bytes."""
    numbers = seq.to_bytes(8, "big") + time_ms.to_bytes(8, "big")
    return hashlib.sha256(_TAG + before + numbers + digest(document)).digest()


def following(
    entries: Iterable[Entry],
    key: bytes,
    last: Entry | None = None,
    *,
    check_signatures: bool = True,
) -> Iterator[Entry]:
    """The entries as they come, each once it is known to follow the one before. `key`: 32 bytes.

    Raises JournalBroken at the first that does not.
    """
    public = Ed25519PublicKey.from_public_bytes(key)
    for entry in entries:
        seq, before, time_ms = (last.seq, last.chain, last.time_ms) if last else (0, BEGINNING, 0)
        if entry.seq != seq + 1:
            raise JournalBroken(entry.seq, f"it stands where number {seq + 1} should")
        if not time_ms <= entry.time_ms < 1 << 63:
            raise JournalBroken(entry.seq, "its time lies before that of the entry before")
        if entry.chain != chain_of(before, entry.seq, entry.time_ms, entry.document):
            raise JournalBroken(entry.seq, "its chain value does not fit what stands before it")
        if check_signatures:
            try:
                public.verify(entry.signature, entry.chain)
            except InvalidSignature:
                reason = "the market's key has not signed it"
                raise JournalBroken(entry.seq, reason) from None
        yield entry
        last = entry
