"""Invariant: a log that cannot be written never stops the sequencer, nor does it mix two lines.

A full disk takes the log first; the ledger's own errors say so to whoever asks.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import TextIO

import structlog


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


def log_to_stderr() -> None:
    """One write a line, so that lines of several threads never mix; losses are no errors."""
    stream: TextIO = LossyStream(sys.stderr)  # type: ignore[assignment]
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=stream))
