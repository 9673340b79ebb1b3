"""SIGTERM stops the demo as Ctrl-C does: all processes that it started are stopped first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_terminate() -> Iterator[None]:
    """While entered, SIGTERM is taken as SIGINT."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
