"""One process a folder, and whoever comes second is told which one it is.

The lock ends with its process, however that ends; the number in the file is for people only.
Beside lossy_stream.py, for the same reason.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]


class LockHeld(Exception):
    """Another process has it; the text names that process."""


def take_lock(path: Path) -> int:
    """Lock a file, made if it is not there; its descriptor. Raises LockHeld, OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _named(os.pread(descriptor, 20, 0))
        os.close(descriptor)
        raise LockHeld(holder) from None
    except OSError:
        os.close(descriptor)
        raise
    with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def holder_of(path: Path) -> str | None:
    """Which process has the lock now, or None (it is taken for an instant). Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named(os.pread(descriptor, 20, 0))
    finally:
        os.close(descriptor)
    return None


def _named(written: bytes) -> str:
    if not written.isdigit():
        return "another process"
    number = int(written)
    try:
        process = psutil.Process(number)
        since = datetime.fromtimestamp(process.create_time(), UTC)
        return f"process {number} ({process.name()}, since {since:%Y-%m-%d %H:%M:%S} UTC)"
    except psutil.Error:
        return f"process {number}"
