"""The exit circuit's key, kept for the day when nobody serves it any more.

Invariant: what was kept is never replaced here, whatever a sequencer serves later. Whether it is
the key that L1 holds takes a prover to see: `wattlane` does. Ref: docs/protocol.md section 6.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from channels.errors import SequencerRefused, StoreFailed

FILE = "exit.zkey"
_AGAIN_S = 600.0
_NOT_FOUND = 404


class ExitKeySource(Protocol):
    """Who serves the key; nothing that it says is believed."""

    async def exit_key(self) -> bytes:
        """The file. Raises SequencerError leaves."""
        ...


class ExitKeyKeeper:
    """One node's. `now`: seconds of any clock that only goes forward."""

    def __init__(self, folder: Path, source: ExitKeySource, now: Callable[[], float]) -> None:
        self._path, self._source, self._now = folder / FILE, source, now
        self._not_before = 0.0

    async def keep(self) -> None:
        """Have the file on disk; asks for it only if it is not, and then not too often.

        Raises StoreFailed, SequencerError leaves.
        """
        if self._path.exists() or self._now() < self._not_before:
            return
        self._not_before = self._now() + _AGAIN_S
        try:
            key = await self._source.exit_key()
        except SequencerRefused as error:
            if error.status == _NOT_FOUND:
                return  # it has none to give
            raise
        try:
            await asyncio.to_thread(_write_whole, self._path, key)
        except OSError as error:
            raise StoreFailed(str(self._path), str(error)) from error


def _write_whole(path: Path, content: bytes) -> None:
    """All of it or nothing, whatever happens."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
