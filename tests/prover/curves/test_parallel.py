"""Work is shared out whole, its errors come back, its progress is counted."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from prover.curves.parallel import ranges, run_all, worker_count


@pytest.mark.parametrize("length", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("pieces", [1, 2, 3, 16])
def test_ranges_cover_everything_once(length: int, pieces: int) -> None:
    found = list(ranges(length, pieces))
    assert [i for start, stop in found for i in range(start, stop)] == list(range(length))
    assert len(found) == min(length, pieces)


def test_every_task_runs_and_is_counted() -> None:
    done: set[int] = set()
    calls: list[tuple[str, int, int]] = []
    run_all([partial(done.add, i) for i in range(20)], "stage", lambda *call: calls.append(call))
    assert done == set(range(20))
    assert calls == [("stage", i, 20) for i in range(1, 21)]


def test_tasks_run_at_the_same_time_on_all_processors() -> None:
    together = threading.Barrier(worker_count(), timeout=120)
    run_all([together.wait for _ in range(worker_count())])


def test_an_error_comes_back_after_the_running_tasks_are_done() -> None:
    finished = threading.Event()
    failing = threading.Event()

    def fails() -> None:
        failing.set()
        raise ValueError("this one")

    def slow() -> None:
        failing.wait(120)
        finished.set()

    tasks = [slow, fails] if worker_count() > 1 else [fails]
    with pytest.raises(ValueError, match="this one"):
        run_all(tasks)
    assert finished.is_set() or worker_count() == 1
