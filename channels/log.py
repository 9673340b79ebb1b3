"""A library is silent on stdout: what a node has to say goes where its program decides.

A program that configures structlog gets everything its way; one that does not gets warnings and
errors on stderr. A warning that cannot be written is lost: it never stops what it warns about, and
a node whose log is on a full disk goes on (whether it may pay is for its store to say).
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TextIO

import structlog

from contracts.lossy_stream import LossyStream
from contracts.rotating_log import RotatingLog


def be_quiet_by_default() -> None:
    """Warnings and errors to stderr, unless structlog has been configured already."""
    if not structlog.is_configured():
        stream: TextIO = LossyStream(sys.stderr)  # type: ignore[assignment]
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
            logger_factory=structlog.WriteLoggerFactory(file=stream),
        )


def log_to_stderr(level: str = "info") -> None:
    """What a node of its own process says, for a terminal or the journal."""
    stream: TextIO = LossyStream(sys.stderr)  # type: ignore[assignment]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )


def log_to_file(path: Path, level: str, size: int, files: int) -> RotatingLog:
    """One line each, `timestamp=... level=... event=...`, in a file that is rotated at `size`."""
    stream = RotatingLog(path, size, files)
    file: TextIO = stream  # type: ignore[assignment]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=file),
    )
    return stream
