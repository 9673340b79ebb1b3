"""A WebSocket proxy that cuts the line at a chosen frame, before or after it has passed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Line = ServerConnection | Connection


class Cutter:
    """Carries frames to `target` and back; both ends see a connection that just breaks."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._lines: set[Connection] = set()
        self._left: int | None = None
        self._passes_last = False
        self.url = ""
        self.cuts = 0

    def arm(self, frames: int, *, passes_last: bool) -> None:
        """Cut all lines now, and again at the frame after `frames` more; once."""
        self._cut()
        self._left, self._passes_last = frames, passes_last

    def _cut(self) -> None:
        self.cuts += 1
        for line in self._lines:
            line.transport.abort()

    async def _carry(self, source: Connection, sink: Connection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in source:
                is_last = self._left == 0
                if self._left is not None:
                    self._left = None if is_last else self._left - 1
                if not is_last or self._passes_last:
                    await sink.send(frame)
                if is_last:
                    self._cut()
        source.transport.abort()
        sink.transport.abort()

    async def _serve(self, near: ServerConnection) -> None:
        with contextlib.suppress(OSError, InvalidHandshake, ConnectionClosed):
            async with connect(self._target, proxy=None, compression=None) as far:
                self._lines |= {near, far}
                try:
                    await asyncio.gather(self._carry(near, far), self._carry(far, near))
                finally:
                    self._lines -= {near, far}


@asynccontextmanager
async def cutter(target: str) -> AsyncIterator[Cutter]:
    """A proxy in front of a ws:// address."""
    cutting = Cutter(target)
    async with serve(cutting._serve, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        cutting.url = f"ws://127.0.0.1:{port}"
        yield cutting
