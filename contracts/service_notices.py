"""Notices from a process to the service manager that started it, if one did.

A datagram to NOTIFY_SOCKET: ready, still alive, stopping. Without that variable nothing is sent.
Beside lossy_stream.py, for the same reason. Ref: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"
_SOCKET, _WATCHDOG, _WATCHDOG_PROCESS = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"


def tell(*states: str) -> bool:
    """Tell it; False where there is nobody to tell, or it does not listen."""
    place = os.environ.get(_SOCKET, "")
    if not place.startswith(("/", "@")):
        return False
    address = "\0" + place[1:] if place.startswith("@") else place
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
    ):
        line.sendto("\n".join(states).encode(), address)
        return True
    return False


def says(status: str) -> str:
    """One line for people, as `systemctl status` shows it."""
    return "STATUS=" + status.replace("\n", " ")


def watchdog_s() -> float | None:
    """How often it wants a sign of life from this process; None: never."""
    given, process = os.environ.get(_WATCHDOG, ""), os.environ.get(_WATCHDOG_PROCESS, "")
    if not given.isdigit() or int(given) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(given) / 1_000_000


async def keep_alive(is_well: Callable[[], bool]) -> None:
    """Give signs of life, three in each interval, as long as the event loop and `is_well` do."""
    interval_s = watchdog_s()
    if interval_s is None:
        return
    while True:
        if is_well():
            tell(ALIVE)
        await asyncio.sleep(interval_s / 3)
