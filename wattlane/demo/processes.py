"""Child processes of the demo: each logs into a file, and none outlives the demo.

Children run in process groups of their own, so that Ctrl-C reaches the demo alone, which then
stops them in order: SIGTERM first, SIGKILL for what has not ended in time. (Not in sessions of
their own: Linux may schedule a session as a whole, and then the prover's niceness is lost.)
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from wattlane.errors import WattlaneError
from wattlane.program import program

STOP_WAIT_S = 10.0
LOG_TAIL_LINES = 12


@dataclass
class ChildFailed(WattlaneError):
    """A process of the demo ended (or never became ready) although it was needed."""

    name: str
    status: int | None
    log: str
    tail: str

    def __str__(self) -> str:
        how = "did not become ready" if self.status is None else f"ended with status {self.status}"
        return f"{self.name} {how}; its log is {self.log}, and ends with:\n{self.tail}"


class Child:
    """One running process."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def failed(self) -> ChildFailed:
        """The error that says how it ended, with the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])
        return ChildFailed(self.name, self.process.poll(), str(self.log), tail)

    def check(self) -> None:
        """Raises ChildFailed if it has ended."""
        if not self.running:
            raise self.failed()

    def kill(self) -> None:
        """SIGKILL: what a power cut does. Returns when it is gone."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.running:
            self.process.terminate()

    def wait_or_kill(self, deadline: float) -> None:
        """Wait until `deadline` (time.monotonic), then SIGKILL its whole group."""
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Children:
    """All child processes; leaving the context stops those that still run."""

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self._children: list[Child] = []

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_all()

    def start(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> Child:
        """Start `wattlane ARGUMENTS` as a process of its own; its output goes to NAME.log."""
        command = program(*arguments)
        child = Child(name, command, self._log_folder / f"{name}.log", env)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raises ChildFailed if one has ended that nobody stopped or killed."""
        for child in self._children:
            child.check()

    def kill(self, child: Child) -> None:
        """SIGKILL to one process, which is then forgotten."""
        child.kill()
        self._children.remove(child)

    def stop(self, child: Child) -> None:
        """Stop one process in an orderly way."""
        child.terminate()
        child.wait_or_kill(time.monotonic() + STOP_WAIT_S)
        self._children.remove(child)

    def stop_all(self) -> None:
        """Stop all, the youngest first, all within one waiting time."""
        for child in reversed(self._children):
            child.terminate()
        deadline = time.monotonic() + STOP_WAIT_S
        for child in reversed(self._children):
            child.wait_or_kill(deadline)
        self._children.clear()
