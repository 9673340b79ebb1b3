"""A folder of blobs, each under its versioned hash: what L1 names, readable when L1 forgets it.

Invariant: a file under its final name holds a whole blob, written to disk before it got the name.
What is read is checked by whoever asks (contracts/blob_sources.py), so a damaged file costs a blob,
never a wrong one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from contracts.blob_sources import SourceFailed, WantedBlob
from protocol.blobs import BLOB_BYTES

SUFFIX = ".blob"


class BlobArchive:
    """Blobs under `folder`, which is made where it is not there. A source and a keeper."""

    def __init__(self, folder: Path) -> None:
        """Raises SourceFailed where the folder cannot be made."""
        self.folder = folder
        self.name = f"the archive {folder}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceFailed(self.name, f"cannot be made: {error.strerror}") from error

    def candidates(self, wanted: WantedBlob) -> Sequence[bytes]:
        """See BlobSource."""
        path = self._path(wanted.versioned_hash)
        try:
            with path.open("rb") as file:
                return [file.read(BLOB_BYTES + 1)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SourceFailed(
                self.name, f"{path.name} cannot be read: {error.strerror}"
            ) from error

    def holds(self, versioned_hash: bytes) -> bool:
        """Whether there is a file of a blob's size under this name."""
        try:
            return self._path(versioned_hash).stat().st_size == BLOB_BYTES
        except OSError:
            return False

    def count(self) -> int:
        """How many blobs there are."""
        return sum(1 for _ in self.folder.glob(f"0x*{SUFFIX}"))

    def keep(self, versioned_hash: bytes, blob: bytes) -> None:
        """See BlobKeeper: on disk before this returns, and whole or not at all."""
        path = self._path(versioned_hash)
        try:
            descriptor, beside = tempfile.mkstemp(dir=self.folder, prefix=".new-")
            try:
                with open(descriptor, "wb") as file:
                    file.write(blob)
                    file.flush()
                    os.fsync(file.fileno())
                Path(beside).replace(path)
            except OSError:
                Path(beside).unlink(missing_ok=True)
                raise
            directory = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            problem = f"{path.name} cannot be written: {error.strerror}"
            raise SourceFailed(self.name, problem) from error

    def _path(self, versioned_hash: bytes) -> Path:
        return self.folder / f"0x{versioned_hash.hex()}{SUFFIX}"
