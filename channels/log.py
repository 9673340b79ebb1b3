"""A library is silent on stdout: what a node has to say goes where its program decides.

A program that configures structlog gets everything its way; one that does not gets warnings and
errors on stderr. A warning that cannot be written is lost: it never stops what it warns about.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

from contracts.lossy_stream import LossyStream


def be_quiet_by_default() -> None:
    """Warnings and errors to stderr, unless structlog has been configured already."""
    if not structlog.is_configured():
        stream: TextIO = LossyStream(sys.stderr)  # type: ignore[assignment]
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
            logger_factory=structlog.WriteLoggerFactory(file=stream),
        )
