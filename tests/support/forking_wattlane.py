"""Commands of ours by fork from a process that has imported everything once.

Starting `python -m wattlane` costs about a second, a running node two, nearly all of it imports.
`ForkServer` pays that once; each command is then a process of its own, with the caller's arguments,
environment, folder and open files, which ends as any Python ends. forked_command.py is what one
calls in its place, also from a shell: it passes signals on and ends as the command does.

The server has one thread and looks at that before each fork: a lock that another thread held would
never be released in the child. Linux only, as it waits by process descriptors.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import gc
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tests.support import forked_command

ROOT = Path(__file__).parents[2]
REAL, SIMULATING = "wattlane.__main__", "tests.support.simulating_wattlane"
"""Modules with a `main`: the command line, and the same with batches' proofs simulated."""
_IMPORTED = (
    REAL,
    SIMULATING,
    "wattlane.cli.app",
    "contracts.client",
    "contracts.chain.anvil",
    "channels.process",
    "channels.control_client",
    "channels.wallet",
    "energy.market.process",
    "energy.bills.verify",
    "sequencer.daemon",
    "wattlane.billing",
    "wattlane.commanding",
    "wattlane.community_changes",
    "wattlane.household.app",
    "wattlane.l1_dev",
    "wattlane.market_agent",
    "wattlane.market_pages.app",
    "wattlane.meter_run",
    "wattlane.operating",
    "wattlane.verify_batch",
)


def is_possible() -> bool:
    """Whether this system has what the server needs."""
    return hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")


@dataclass(frozen=True, slots=True)
class ForkServer:
    """A server at work. `place`: its socket."""

    place: Path

    def command(self, module: str = REAL) -> list[str]:
        """What stands for `python -m MODULE`; arguments follow."""
        client = forked_command.__file__
        return [sys.executable, "-IS", client, str(self.place), module]


@functools.cache
def fork_server() -> ForkServer:
    """That of this run of the tests, which its processes share. It ends with the last of them."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"wattlane-fork-{os.getuid()}-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    place = folder / "socket"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            held = _hold(place)
        except OSError:
            _start(place)
            held = _hold(place)
    atexit.register(held.close)
    return ForkServer(place)


def _hold(place: Path) -> socket.socket:
    """A line that keeps the server there as long as it is open. Raises OSError."""
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect(str(place))
        socket.send_fds(line, [b"\0"], [0, 1, 2])
        line.sendall(b"{}\n")
        assert line.recv(1)
    except BaseException:
        line.close()
        raise
    return line


def _start(place: Path) -> None:
    log = place.with_name("log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(place)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout as ready:
        assert ready.readline() == b"ready\n", log.read_text()


# --- the server's own process -------------------------------------------------------------------


@dataclass(slots=True)
class _Child:
    """A command under way: its process, the descriptor that says when it ends, who asked for it."""

    process: int
    ended: int
    caller: socket.socket


class _Server:
    """One thread that forks for whoever asks, until nobody holds it any more."""

    def __init__(self, place: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(place)
        self.listener.listen(128)
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(self.listener, selectors.EVENT_READ)
        self.children: dict[int, _Child] = {}
        self.holders: set[socket.socket] = set()

    def serve(self) -> Callable[[], None] | None:
        """Returns at the end, and in each child: what it shall run."""
        while True:
            for key, _ in self.waiting.select():
                if key.fileobj is self.listener:
                    if command := self._asked():
                        return command
                elif isinstance(key.data, _Child):
                    self._heard(key.fd, key.data)
                elif isinstance(key.fileobj, socket.socket):
                    self.waiting.unregister(key.fileobj)
                    self.holders.discard(key.fileobj)
                    key.fileobj.close()
                    if not self.holders:
                        for child in self.children.values():
                            _kill(child)
                        return None

    def _asked(self) -> Callable[[], None] | None:
        caller, _ = self.listener.accept()
        _, files, _, _ = socket.recv_fds(caller, 1, 3)
        with caller.makefile("rb") as line:
            request = json.loads(line.readline())
        if not request:
            self.holders.add(caller)
            self.waiting.register(caller, selectors.EVENT_READ)
            caller.sendall(b"1")
        else:
            assert len(os.listdir("/proc/self/task")) == 1, "a second thread: no fork is safe"
            process = os.fork()
            if not process:
                self._let_go(caller)
                return _become(request, files)
            with contextlib.suppress(OSError):  # the child does the same: who comes first
                os.setpgid(process, process)
            child = _Child(process, os.pidfd_open(process), caller)
            self.children[child.ended] = child
            self.waiting.register(child.ended, selectors.EVENT_READ, child)
            self.waiting.register(caller, selectors.EVENT_READ, child)
        for file in files:
            os.close(file)
        return None

    def _heard(self, descriptor: int, child: _Child) -> None:
        if descriptor == child.ended:
            del self.children[descriptor]
            self.waiting.unregister(descriptor)
            os.close(descriptor)
            status = os.waitstatus_to_exitcode(os.waitpid(child.process, 0)[1])
            with contextlib.suppress(OSError):
                child.caller.sendall(f"{status}\n".encode())
            with contextlib.suppress(KeyError):
                self.waiting.unregister(child.caller)
            child.caller.close()
        elif child.ended in self.children:
            numbers = child.caller.recv(64)
            for number in numbers:
                os.kill(child.process, number)
            if not numbers:  # whoever asked was killed
                self.waiting.unregister(child.caller)
                _kill(child)

    def _let_go(self, caller: socket.socket) -> None:
        """In a child: of all that is the server's."""
        self.waiting.close()
        for one in (self.listener, caller, *self.holders):
            one.close()
        for child in self.children.values():
            os.close(child.ended)
            child.caller.close()


def _kill(child: _Child) -> None:
    """It, and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process, signal.SIGKILL)


def _become(request: dict[str, Any], files: list[int]) -> Callable[[], None]:
    """Turn this child into the process that was asked for."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = _text(1, unbuffered), _text(2, True)
    loaded = importlib.import_module(request["module"])
    sys.argv = [str(loaded.__file__), *request["arguments"]]
    sys.modules["__main__"] = loaded
    begin: Callable[[], None] = loaded.main
    return begin


def _text(number: int, unbuffered: bool) -> TextIO:
    buffering = 1 if unbuffered or os.isatty(number) else -1
    return open(number, "w", buffering=buffering, closefd=False)


def main() -> None:
    """Import everything, then serve; a child goes on here as its command."""
    for module in _IMPORTED:
        importlib.import_module(module)
    from protocol.crypto import compiled

    if compiled.is_available():
        compiled.warm()
    gc.collect()
    gc.freeze()
    place = Path(sys.argv[1])
    place.unlink(missing_ok=True)
    server = _Server(str(place))
    print("ready", flush=True)
    command = server.serve()
    if command is not None:
        _end(command)
    shutil.rmtree(place.parent, ignore_errors=True)


def _end(command: Callable[[], None]) -> None:
    """Run it and end as Python does, but that modules are not taken down one by one: half a second
    for so many.
    """
    status = 0
    try:
        command()
    except SystemExit as asked:
        status = asked.code if isinstance(asked.code, int) else asked.code is not None
    except BaseException as error:  # noqa: BLE001 - what the interpreter would do
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for file in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            file.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
