"""Invariant: work that takes seconds tells how far it is through one small port."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with the stage's name and `done` of `total` steps; the last call has done = total.

    It may be called from worker threads, but never by two of them at once.
    """

    def __call__(self, stage: str, done: int, total: int, /) -> None: ...


def silent(stage: str, done: int, total: int, /) -> None:
    """A Progress that shows nothing."""
