"""Invariant: a key that arrives at a worker is, file by file, the one that was sent.

The files go in pieces through Dask to one worker at a time, into a folder beside the worker's
keys; the sender's manifest, with each file's hash, goes last and is checked before the key is put
into the cache. The functions named `receive_...` run on the worker.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from prover.cache import MANIFEST, check_manifest, user_cache
from prover.groth16.store import kind_of

_log = logging.getLogger(__name__)

PIECE_BYTES = 16 << 20

Call = Callable[..., object]
"""Runs a function with these arguments on the worker, and waits."""


def send_key(folder: Path, circuit: str, sender: str, call: Call) -> None:
    """Send the files of a key's folder. Raises OSError, and what receiving them raises."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != MANIFEST)
    for path in files:
        with path.open("rb") as file:
            offset = 0
            while piece := file.read(PIECE_BYTES):
                call(receive_piece, circuit, folder.name, sender, path.name, offset, piece)
                offset += len(piece)
    manifest = (folder / MANIFEST).read_bytes()
    call(receive_piece, circuit, folder.name, sender, MANIFEST, 0, manifest)
    call(receive_end, circuit, folder.name, sender)


def receive_piece(
    circuit: str, address: str, sender: str, name: str, offset: int, piece: bytes
) -> None:
    """Write one piece of a file of a key. Raises OSError."""
    part = _part(circuit, address, sender)
    part.mkdir(parents=True, exist_ok=True)
    with (part / name).open("r+b" if offset else "wb") as file:
        file.seek(offset)
        file.write(piece)


def receive_end(circuit: str, address: str, sender: str) -> None:
    """Put the key into the cache. Raises CorruptEntry, CacheUnwritable."""
    part = _part(circuit, address, sender)

    def move(folder: Path) -> None:
        for path in part.iterdir():
            if path.name != MANIFEST:
                path.rename(folder / path.name)

    try:
        check_manifest(part)
        user_cache().make(kind_of(circuit), address, move)
        _log.warning("a proving key of circuit %s has come", circuit[:16])
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _part(circuit: str, address: str, sender: str) -> Path:
    """A name that the cache takes for an entry under way, and drops when it is a day old."""
    return user_cache().root / kind_of(circuit) / f".{address}.{sender}.part"
