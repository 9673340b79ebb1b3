"""Invariant: a log that cannot be written never stops the sequencer, nor does it mix two lines."""

from __future__ import annotations

import sys
from typing import TextIO

import structlog

from contracts.lossy_stream import LossyStream


def log_to_stderr() -> None:
    """One write a line, so that lines of several threads never mix; losses are no errors."""
    stream: TextIO = LossyStream(sys.stderr)  # type: ignore[assignment]
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(file=stream))
