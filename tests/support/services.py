"""Real servers for tests: PostgreSQL and Redis, each started on loopback with a folder of its own.

They come as Debian's packages (`tools/services.py` installs them); what is missing is named by
MissingService, so that tests skip and say why. PostgreSQL refuses to run as root, so there it runs
as the user that its package makes.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
import redis

from tools.services import POSTGRES, REDIS, MissingService, find_program

__all__ = [
    "MissingService",
    "PostgresServer",
    "RedisServer",
    "free_port",
    "services_line",
    "serving_or_skip",
]

WAIT_S = 60.0
_USER = "postgres"


def free_port() -> int:
    """A port of loopback that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class _Server:
    """A server process in a folder of its own; started anew it finds what it had on disk."""

    def __init__(self, owner: str | None = None) -> None:
        self._owner = owner if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="wattlane-"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        if self._owner is not None:
            shutil.chown(self.folder, self._owner, self._owner)

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program as the server's user, its output in the folder's log."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self._owner,
                group=self._owner,
                extra_groups=None if self._owner is None else [],
            )

    @property
    def said(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-3_000:]

    def end(self, number: int) -> None:
        """Send a signal and wait for the end."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(WAIT_S)
            self._process = None

    def close(self) -> None:
        """Kill it and forget its folder."""
        self.end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresServer(_Server):
    """PostgreSQL with synchronous commits. Raises MissingService.

    `survives_power_cuts` False leaves out its fsync, which killed processes do not need.
    """

    def __init__(self, survives_power_cuts: bool = False) -> None:
        self._fsync = "on" if survives_power_cuts else "off"
        self._initdb = find_program("initdb", POSTGRES)
        self._postgres = find_program("postgres", POSTGRES)
        super().__init__(_USER)
        self._numbers = count(1)
        data = str(self.folder / "data")
        made = self.run(
            self._initdb, "-D", data, "-U", "wattlane", "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        assert made.wait(WAIT_S) == 0, self.said
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = self.run(
            self._postgres,
            *("-D", str(self.folder / "data"), "-p", str(self.port)),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"),
            *("-c", f"fsync={self._fsync}"),
        )
        deadline = time.monotonic() + WAIT_S
        while True:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self._url).close()
                return
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def stop_immediately(self) -> None:
        """What `pg_ctl stop -m immediate` does: it recovers from its log at the next start."""
        self.end(signal.SIGQUIT)

    def new_database(self) -> str:
        """The URL of an empty database: a schema, which is made much sooner than a database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self._url}?options=-csearch_path%3D{name}"

    @property
    def _url(self) -> str:
        return f"postgresql://wattlane@127.0.0.1:{self.port}/postgres"


class RedisServer(_Server):
    """Redis that keeps nothing on disk. Raises MissingService."""

    def __init__(self) -> None:
        self._redis = find_program("redis-server", REDIS)
        super().__init__()
        self.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = self.run(
            self._redis,
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--dir", str(self.folder)),
        )
        deadline = time.monotonic() + WAIT_S
        while True:
            with suppress(redis.ConnectionError), redis.Redis.from_url(self.url) as client:
                client.ping()
                return
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)


S = TypeVar("S", PostgresServer, RedisServer)


@contextmanager
def serving_or_skip(kind: type[S]) -> Iterator[S]:
    """A server for a fixture, closed at its end; the test is skipped where it is missing."""
    try:
        server = kind()
    except MissingService as error:
        pytest.skip(str(error))
    with closing(server):
        yield server


def services_line() -> str:
    """For the summary of a run: what the tests had, and what was skipped without it."""
    missing = []
    for program, package in (("postgres", POSTGRES), ("redis-server", REDIS)):
        try:
            find_program(program, package)
        except MissingService as error:
            missing.append(str(error))
    if missing:
        return f"services: tests were skipped: {'; '.join(missing)}"
    return "services: tested against PostgreSQL and Redis"
