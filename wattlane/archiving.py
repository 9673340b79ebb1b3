"""Keeping every blob of a rollup in a folder, to rebuild from after the network has dropped them.

Invariant: how far the folder is complete (its position) never passes a batch whose blob is not in
it, nor a block that L1 may still take back. A run goes on from there; what was kept is kept once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contracts.blob_archive import BlobArchive
from contracts.blob_sources import BlobSources, BlobUnavailable
from contracts.errors import NotFinalYet
from contracts.reader import RollupReader
from wattlane.durable import write_durably
from wattlane.errors import WattlaneError

STAGE = "blobs"
KEPT_BETWEEN_POSITIONS = 64
"""Blobs after which the position is written down, so that a long run that is cut off has it."""

ReportProgress = Callable[[str, int, int], None]


@dataclass
class ArchiveFailed(WattlaneError):
    """The archive's own notes cannot be read or written."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


@dataclass(frozen=True, slots=True)
class Position:
    """The newest final block up to which every blob is in the folder."""

    block: int
    block_hash: str


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through the chain: blobs that are new in the folder, that were there already, and
    that no source has."""

    kept: int
    held: int
    missing: tuple[BlobUnavailable, ...]


class Archiver:
    """Fills an archive with the blobs of one rollup. One owner a folder."""

    def __init__(
        self,
        reader: RollupReader,
        archive: BlobArchive,
        sources: BlobSources,
        from_block: int = 0,
    ) -> None:
        """`from_block`: any one before the contract was deployed. Raises RpcError, NoContract."""
        self._reader, self._archive, self._sources = reader, archive, sources
        self._from_block = from_block
        self.notes = archive.folder / f"{reader.settings().domain:032x}.json"

    def run(self, progress: ReportProgress) -> Pass:
        """Keep every blob that is not there yet, up to L1's newest block.

        Raises RpcError, UndecodableBatch, SourceFailed, ArchiveFailed.
        """
        begin, end = self._begin(), self._reader.latest_block().number
        kept, held, missing, unsaved = 0, 0, list[BlobUnavailable](), 0
        total = max(end - begin + 1, 1)
        progress(STAGE, 0, total)
        for wanted in self._reader.wanted_blobs(begin, end):
            if self._archive.holds(wanted.versioned_hash):
                held += 1
            else:
                try:
                    blob = self._sources.find(wanted)
                except BlobUnavailable as error:
                    missing.append(error)
                else:
                    self._archive.keep(wanted.versioned_hash, blob)
                    kept, unsaved = kept + 1, unsaved + 1
            if not missing and unsaved >= KEPT_BETWEEN_POSITIONS:
                self._note(wanted.block_number - 1)
                unsaved = 0
            progress(STAGE, min(wanted.block_number - begin, total - 1), total)
        if not missing:
            self._note(end)
        progress(STAGE, total, total)
        return Pass(kept, held, tuple(missing))

    def _begin(self) -> int:
        """The first block to look at: after what is known to be complete, if L1 still has it."""
        position = self._noted()
        if position is None:
            return self._from_block
        block = self._reader.block(position.block)
        if block is None or "0x" + block.block_hash.hex() != position.block_hash:
            return self._from_block
        return max(position.block + 1, self._from_block)

    def _note(self, complete: int) -> None:
        """Write down that nothing is missing up to this block, as far as it is final."""
        try:
            final = self._reader.final_block()
        except NotFinalYet:
            return
        block = final if final.number <= complete else self._reader.block(complete)
        if block is None:
            return
        text = json.dumps({"block": block.number, "hash": "0x" + block.block_hash.hex()})
        try:
            write_durably(self.notes, text + "\n")
        except OSError as error:
            raise ArchiveFailed(self.notes, f"cannot be written: {error.strerror}") from error

    def _noted(self) -> Position | None:
        try:
            given = json.loads(self.notes.read_text(encoding="utf-8"))
            return Position(int(given["block"]), str(given["hash"]))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ArchiveFailed(self.notes, f"cannot be read: {error.strerror}") from error
        except (ValueError, TypeError, KeyError):
            return None  # it only saves time: the blobs themselves are the archive
