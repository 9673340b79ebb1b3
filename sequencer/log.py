"""Invariant: a log that cannot be written never stops the sequencer, nor does it mix two lines; and
nothing gets into it but plain values without secrets.

Whatever speaks goes the same way: our own events, libraries that use `logging`, warnings, and the
traceback of a bug that ends the process.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import MutableMapping
from enum import StrEnum
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from contracts.lossy_stream import LossyStream
from contracts.redaction import Redaction

SECRETS = Redaction()
"""What this process must not show: whoever opens a secret adds it here."""


class LogFormat(StrEnum):
    """For people, or a JSON object a line for machines."""

    TEXT = "text"
    JSON = "json"


def log_to_stderr(redaction: Redaction, log_format: LogFormat = LogFormat.TEXT) -> None:
    """One write a line, so that lines of several threads never mix; losses are no errors."""
    stream: TextIO = LossyStream(sys.stderr)  # type: ignore[assignment]
    is_json = log_format is LogFormat.JSON
    stamps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("iso" if is_json else "%Y-%m-%d %H:%M:%S", utc=is_json),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor
    if is_json:
        renderer = structlog.processors.JSONRenderer(sort_keys=True)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[*stamps, redaction, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_logger, *stamps],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redaction,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.excepthook = _on_crash
    threading.excepthook = _on_thread_crash


def _name_logger(
    logger: logging.Logger | None, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event["logger"] = event["_record"].name if "_record" in event else getattr(logger, "name", "")
    return event


def _on_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What Python would print, through the log."""
    structlog.get_logger(__name__).critical("crashed", exc_info=(kind, error, trace))


def _on_thread_crash(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None:
        _on_crash(given.exc_type, given.exc_value, given.exc_traceback)
