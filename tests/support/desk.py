"""Where worker processes of a test report what they are at, and wait to be told how to go on.

So a test holds a worker in the middle of its work for as long as it likes, without a clock.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from dataclasses import dataclass
from pathlib import Path

DESK = "WATTLANE_TEST_DESK"
"""Environment of the workers: the desk's Unix socket."""
WAIT_S = 120.0


def ask(what: str) -> str:
    """In a worker: say what it is at, and wait for the answer. "go" where there is no desk."""
    path = os.environ.get(DESK)
    if path is None:
        return "go"
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(f"{os.getpid()} {os.nice(0)} {what}\n".encode())
        return line.makefile().readline().strip()


@dataclass(frozen=True, slots=True)
class Caller:
    """A worker that waits for an answer."""

    pid: int
    niceness: int
    what: str
    line: socket.socket

    def tell(self, answer: str) -> None:
        with self.line:
            self.line.sendall(f"{answer}\n".encode())


class Desk:
    """Take callers one after another; they wait in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "desk"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen(64)
        self._socket.settimeout(WAIT_S)

    def next(self, timeout_s: float = WAIT_S) -> Caller:
        """The next caller. Raises TimeoutError."""
        self._socket.settimeout(timeout_s)
        line, _ = self._socket.accept()
        pid, niceness, what = line.makefile().readline().split(maxsplit=2)
        return Caller(int(pid), int(niceness), what.strip(), line)

    def let_go(self) -> None:
        """From now on tell whoever comes to go on."""
        threading.Thread(target=self._let_go, daemon=True).start()

    def _let_go(self) -> None:
        while True:
            try:
                caller = self.next()
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            with contextlib.suppress(OSError):  # it died meanwhile
                caller.tell("go")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for a caller
        self._socket.close()
