"""Invariant: a log that cannot be written never stops whoever logs.

A full disk takes the log first; the stores' own errors say so to whoever asks. It stands here
because nodes and sequencer both import this package, and neither imports the other.
"""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TextIO


class LossyStream(io.TextIOBase):
    """Passes on what it can; what the stream refuses is lost, without an error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """All of `text`, or nothing."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As far as the stream lets it."""
        with suppress(OSError, ValueError):
            self._stream.flush()
