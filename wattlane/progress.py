"""Progress with time left: a bar on a terminal, a line now and then elsewhere.

Stages come from anything that calls `progress(stage, done, total)` (prover/progress.py); a new
stage name starts a new bar and closes the one before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

QUIET_EVERY_S = 10.0
SPEED_WINDOW_S = 3_600.0


class Meter:
    """One bar; call it with how much is done."""

    def __init__(self, bars: Bars, task: TaskID, stage: str, total: float) -> None:
        self._bars = bars
        self._task = task
        self._stage = stage
        self._total = max(total, 1e-9)
        self._started = self._printed = time.monotonic()

    def __call__(self, done: float, note: str = "") -> None:
        self._bars.progress.update(self._task, completed=done, note=note)
        now = time.monotonic()
        if not self._bars.console.is_terminal and now - self._printed >= QUIET_EVERY_S:
            self._printed = now
            share = min(done / self._total, 1.0)
            left = (now - self._started) * (1 - share) / share if share > 0 else 0.0
            time_left = f", about {left:.0f} s left" if 0 < share < 1 else ""
            self._bars.console.print(f"  {self._stage}: {share:.0%}{time_left}  {note}".rstrip())


class Bars:
    """All progress of a run; bars show while the context is entered."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("  {task.description:<34}"),
            BarColumn(bar_width=28),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            speed_estimate_period=SPEED_WINDOW_S,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Bars:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    @contextmanager
    def stage(self, name: str, total: float) -> Iterator[Meter]:
        """A bar for as long as the context lasts; prints what it took when it ends well."""
        task = self.progress.add_task(name, total=total, note="")
        started = time.monotonic()
        try:
            yield Meter(self, task, name, total)
        finally:
            self.progress.remove_task(task)
        self.done(name, time.monotonic() - started)

    def done(self, name: str, seconds: float, note: str = "") -> None:
        """A line that a step has ended."""
        self.console.print(f"  [green]✓[/] {name} [dim]({seconds:.1f} s)[/] {note}".rstrip())


class StageProgress:
    """A `Progress` port for the prover: forwards each stage to a bar of its own."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._stage = ""
        self._started = 0.0
        self._task: TaskID | None = None
        self._meter: Meter | None = None
        self.seconds: dict[str, float] = {}

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        if stage != self._stage:
            self.close()
            self._stage, self._started = stage, time.monotonic()
            self._task = self._bars.progress.add_task(stage, total=total, note="")
            self._meter = Meter(self._bars, self._task, stage, total)
        if self._task is not None and self._meter is not None:
            self._bars.progress.update(self._task, total=total)
            self._meter(done)
        if done >= total:
            self.close()

    def close(self) -> None:
        """End the stage that is shown."""
        if self._task is None:
            return
        self._bars.progress.remove_task(self._task)
        took = time.monotonic() - self._started
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + took
        self._bars.done(self._stage, took)
        self._task = self._meter = None
        self._stage = ""
