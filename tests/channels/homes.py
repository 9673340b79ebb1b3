"""Homes as real processes for tests and benches: started, commanded, killed, started again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from channels.control_client import ControlClient
from tests.channels import home_process
from tests.channels.home_process import PASSPHRASE

__all__ = ["PASSPHRASE", "Home", "introduce", "running"]

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["tests.channels.home_process"])
START_TIMEOUT_S = 120.0


class Home:
    """A home's folder and, while it runs, its process and the client that commands it."""

    def __init__(
        self,
        index: int,
        folder: Path,
        url: str,
        *,
        use_compiled: bool = True,
        timeout_s: float = 60.0,
    ) -> None:
        self.index = index
        self.folder = folder
        self.url = url
        self._how = use_compiled, timeout_s
        self._process: ForkServerProcess | None = None
        self._stack = AsyncExitStack()
        self._client: ControlClient | None = None

    @property
    def node(self) -> ControlClient:
        """The client of the running node."""
        assert self._client is not None
        return self._client

    @property
    def is_up(self) -> bool:
        """Whether it was started, and not killed since."""
        return self._client is not None

    async def start(self) -> None:
        """Start the process and connect to it."""
        (self.folder / "control.json").unlink(missing_ok=True)
        arguments = (self.folder, self.url, *self._how)
        self._process = _FORKSERVER.Process(target=home_process.main, args=arguments)
        await asyncio.to_thread(self._process.start)
        connecting = ControlClient.connect(self.folder, START_TIMEOUT_S)
        self._client = await self._stack.enter_async_context(connecting)

    async def kill(self, number: int = signal.SIGKILL) -> int | None:
        """Send a signal (0: none), wait for its end, and return its exit status."""
        assert self._process is not None
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)
        await asyncio.to_thread(self._process.join)
        await self._stack.aclose()
        self._client = None
        return self._process.exitcode


@asynccontextmanager
async def running(*homes: Home) -> AsyncIterator[None]:
    """All homes started and introduced to each other; killed at the end."""
    try:
        await asyncio.gather(*(home.start() for home in homes))
        await introduce(*homes)
        yield
    finally:
        for home in homes:
            if home._process is not None:
                await home.kill()


async def introduce(*homes: Home) -> None:
    """Tell each home where the others listen now."""
    urls = {home.index: (await home.node.info())["url"] for home in homes}
    for home in homes:
        for index, url in urls.items():
            if index != home.index:
                await home.node.add_peer(index, url)
