"""Bars for commands that take a while, on stderr so that output can be piped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from wattlane.progress import Bars, StageProgress


@contextmanager
def shown_progress() -> Iterator[StageProgress]:
    """A progress port that shows each stage with the time left."""
    with Bars(Console(stderr=True)) as bars:
        progress = StageProgress(bars)
        try:
            yield progress
        finally:
            progress.close()
