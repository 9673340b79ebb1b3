"""uvicorn, told when to stop by the daemon and telling it when requests are answered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

MAX_MESSAGE_BYTES = 65_536
"""No WebSocket message is longer; what a route takes may be less."""

GRACE_S = 10
"""Requests under way are given this long when the sequencer stops."""


class ApiServer(uvicorn.Server):
    """Serves until `should_exit`; handles no signals. `ready` is set once it listens.

    `trusted_proxies`: addresses or networks, by commas, whose X-Forwarded-For is believed.
    """

    def __init__(self, app: ASGIApp, trusted_proxies: str = "") -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=trusted_proxies,
                ws_max_size=MAX_MESSAGE_BYTES,
                timeout_graceful_shutdown=GRACE_S,
            )
        )
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tells that requests are answered."""
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield
