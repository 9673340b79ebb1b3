"""A log file of bounded size, whose full disk is nobody's business but its own.

What cannot be written is lost, and when writing works again the file says how many lines were. The
file is opened anew after a failure, so that a disk that was full, read-only or gone for a while
ends no log for good. Beside lossy_stream.py, for the same reason.
"""

from __future__ import annotations

import contextlib
import io
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path


class _Rotating(RotatingFileHandler):
    """Counts failures instead of printing them."""

    has_failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        """A line was lost: begin with a fresh file next time."""
        self.has_failed = True
        stream, self.stream = self.stream, None  # emit opens it again
        with contextlib.suppress(OSError, ValueError):
            if stream is not None:
                stream.close()


class RotatingLog(io.TextIOBase):
    """`size` bytes a file, `files` older ones kept beside it as PATH.1, PATH.2 and so on."""

    def __init__(self, path: Path, size: int, files: int) -> None:
        self._handler = _Rotating(path, maxBytes=size, backupCount=files, delay=True)
        self.lost = 0
        """Lines that could not be written since the last that could."""

    def write(self, text: str) -> int:
        """One line or several, whole."""
        if self.lost and self._emit(f"{self.lost} lines were lost here: the log was not writable"):
            self.lost = 0
        if not self._emit(text.rstrip("\n")):
            self.lost += 1
        return len(text)

    def flush(self) -> None:
        """Every write is flushed already."""

    def close(self) -> None:
        """Close the file."""
        self._handler.close()
        super().close()

    def _emit(self, line: str) -> bool:
        self._handler.has_failed = False
        self._handler.handle(logging.makeLogRecord({"msg": line}))
        return not self._handler.has_failed
