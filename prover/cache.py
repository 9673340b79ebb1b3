"""Invariant: an entry of the cache is complete and unchanged, or it is not there.

An entry is a folder of files, named by the hash of what it was made from. It is written under
another name, flushed to the disk, and renamed when it is whole; a manifest lists each file's
size and hash. An entry that does not fit its manifest is moved away and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protocol.crypto.kernel_cache import cache_root
from prover.errors import ProverError

MANIFEST = "manifest.json"
_PART = ".part"
_STALE_S = 24 * 3600


@dataclass(eq=False)
class CorruptEntry(ProverError):
    """A folder of the cache is not what its manifest says."""

    folder: Path
    what: str

    def __str__(self) -> str:
        return f"{self.folder} is damaged ({self.what}): delete it, it will be made again"


@dataclass(eq=False)
class CacheUnwritable(ProverError):
    """The cache folder cannot be written, or its disk is full."""

    folder: Path
    reason: str

    def __str__(self) -> str:
        return (
            f"cannot write {self.folder}: {self.reason}; make room, make it writable, "
            "or name another folder in WATTLANE_CACHE"
        )


@dataclass(frozen=True, slots=True)
class Cache:
    """Folders below `root`; the user's cache folder by `user_cache()`."""

    root: Path

    def find(self, kind: str, address: str) -> Path | None:
        """The folder of an entry, None if there is none. Raises CorruptEntry."""
        folder = self.root / kind / address
        if not folder.is_dir():
            return None
        check_manifest(folder)
        return folder

    def addresses(self, kind: str) -> list[str]:
        """The entries of a kind, oldest first."""
        folders = [path for path in (self.root / kind).glob("*") if path.suffix != _PART]
        ordered = sorted(folders, key=lambda path: (path.stat().st_mtime, path.name))
        return [path.name for path in ordered]

    def make(self, kind: str, address: str, write: Callable[[Path], None]) -> Path:
        """The entry's folder, filled by `write` unless it is there, whole, already.

        Raises CacheUnwritable, and whatever `write` raises; then nothing is left behind.
        """
        try:
            present = self.find(kind, address)
        except CorruptEntry as error:
            self._remove(error.folder)
            present = None
        if present is not None:
            return present
        final = self.root / kind / address
        part = final.with_name(f".{address}.{os.getpid()}.{secrets.token_hex(4)}{_PART}")
        try:
            self._drop_stale(final.parent)
            part.mkdir(parents=True)
            write(part)
            _write_manifest(part)
            _flush_folder(part)
            if not _rename(part, final):  # another process was first: its entry is as good
                shutil.rmtree(part)
            _flush(final.parent)
        except OSError as error:
            raise CacheUnwritable(part.parent, str(error)) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        check_manifest(final)
        return final

    def drop(self, kind: str, address: str) -> None:
        """Forget an entry if there is one; who has mapped it keeps it. Raises CacheUnwritable."""
        folder = self.root / kind / address
        if folder.is_dir():
            self._remove(folder)

    def _remove(self, folder: Path) -> None:
        """Take an entry out of sight in one step, then delete it."""
        hidden = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{_PART}")
        try:
            folder.rename(hidden)
        except OSError as error:
            raise CacheUnwritable(folder, str(error)) from error
        shutil.rmtree(hidden, ignore_errors=True)

    def _drop_stale(self, parent: Path) -> None:
        """Delete what processes killed long ago have left behind."""
        if not parent.is_dir():
            return
        for path in parent.glob(f".*{_PART}"):
            if time.time() - path.stat().st_mtime > _STALE_S:
                shutil.rmtree(path, ignore_errors=True)


def user_cache() -> Cache:
    """The cache in $WATTLANE_CACHE, else in the user's cache folder."""
    return Cache(cache_root())


def check_manifest(folder: Path) -> None:
    """Raise CorruptEntry unless the folder's files are those of its manifest, bit for bit."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        listed = {name: (size, digest) for name, (size, digest) in manifest.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise CorruptEntry(folder, f"no readable manifest: {error}") from error
    for name, (size, digest) in listed.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise CorruptEntry(folder, f"{name} is missing or has another size")
        if _digest(path) != digest:
            raise CorruptEntry(folder, f"{name} has another content")


def _write_manifest(folder: Path) -> None:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    entries = {path.name: (path.stat().st_size, _digest(path)) for path in files}
    (folder / MANIFEST).write_text(json.dumps(entries, indent=1))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rename(part: Path, final: Path) -> bool:
    try:
        part.rename(final)
    except OSError:
        if final.is_dir():
            return False
        raise
    return True


def _flush_folder(folder: Path) -> None:
    for path in folder.iterdir():
        _flush(path)
    _flush(folder)


def _flush(path: Path) -> None:
    """Wait until the file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
