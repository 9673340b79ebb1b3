"""Invariant: kernels run on as many threads as this process may use processors, not more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache, partial
from itertools import pairwise
from typing import TypeVar

from prover.progress import Progress, silent

Item = TypeVar("Item")


def worker_count() -> int:
    """The processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool(process_id: int) -> ThreadPoolExecutor:
    """The threads of this process: a forked child gets its own."""
    return ThreadPoolExecutor(worker_count(), thread_name_prefix="kernels")


def run_all(
    tasks: Sequence[Callable[[], object]], stage: str = "", progress: Progress = silent
) -> None:
    """Run all tasks, started in order, and return when the last is done.

    A task must not call run_all itself. The first error of a task is raised, once no task runs
    any more; tasks that had not begun then never do.
    """
    futures = [_pool(os.getpid()).submit(task) for task in tasks]
    try:
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            progress(stage, done, len(futures))
    finally:
        for future in futures:
            future.cancel()
        for future in futures:
            if not future.cancelled():
                future.exception()


def first_found(
    look: Callable[[int, int], int | None], pieces: Iterable[tuple[int, int]]
) -> int | None:
    """The lowest index that `look(start, stop)` finds in any of the pieces, or None."""
    found: list[int] = []

    def note(start: int, stop: int) -> None:
        index = look(start, stop)
        if index is not None:
            found.append(index)

    run_all([partial(note, *piece) for piece in pieces])
    return min(found, default=None)


def ranges(length: int, pieces: int) -> Iterable[tuple[int, int]]:
    """0..length cut into at most `pieces` ranges (start, stop) of nearly equal length."""
    bounds = [length * i // pieces for i in range(pieces + 1)]
    return [(a, b) for a, b in pairwise(bounds) if a < b]
