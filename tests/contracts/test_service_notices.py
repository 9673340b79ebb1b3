"""What the service manager hears, as it would hear it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.service_notices import ALIVE, READY, keep_alive, says, tell, watchdog_s


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A socket that listens as it does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_it_hears_that_a_process_is_ready(manager: socket.socket) -> None:
    assert tell(READY, says("account 3\nlistens"))
    assert manager.recv(1_000) == b"READY=1\nSTATUS=account 3 listens"


def test_an_abstract_socket_is_reached_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        name = f"wattlane-test-{os.getpid()}"
        listening.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        assert tell(READY)
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize("place", ["", "nowhere", "/does/not/exist"])
def test_without_one_nothing_is_said(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    assert not tell(READY)


def test_how_often_it_wants_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, process, expected in [
        ("", "", None),
        ("0", "", None),
        ("3000000", "", 3.0),
        ("3000000", str(os.getpid()), 3.0),
        ("3000000", "1", None),
        ("soon", "", None),
    ]:
        monkeypatch.setenv("WATCHDOG_USEC", given)
        monkeypatch.setenv("WATCHDOG_PID", process)
        assert watchdog_s() == expected


async def test_it_hears_signs_of_life_only_from_who_is_well(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    asked = asyncio.Event()

    def is_ill() -> bool:
        asked.set()
        return False

    for is_well, heard in ((lambda: True, True), (is_ill, False)):
        alive = asyncio.create_task(keep_alive(is_well))
        if heard:
            assert await asyncio.to_thread(manager.recv, 100) == ALIVE.encode()
        else:
            await asked.wait()
        alive.cancel()
        await asyncio.gather(alive, return_exceptions=True)
        manager.settimeout(0)
        while heard:
            try:
                manager.recv(100)
            except BlockingIOError:
                break
    with pytest.raises(BlockingIOError):
        manager.recv(100)
