"""Homes as real processes for tests and benches: started, commanded, killed, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from channels.control_client import ControlClient
from channels.passphrase import ENVIRONMENT

PASSPHRASE = "correct horse battery"
ROOT = Path(__file__).parents[2]
START_TIMEOUT_S = 60.0


class Home:
    """A home's folder and, while it runs, its process and the client that commands it."""

    def __init__(
        self, index: int, folder: Path, url: str, mode: str = "compiled", timeout_s: float = 5.0
    ) -> None:
        self.index = index
        self.folder = folder
        self.url = url
        self._mode = mode
        self._timeout_s = timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._stack = AsyncExitStack()
        self._client: ControlClient | None = None

    @property
    def node(self) -> ControlClient:
        """The client of the running node."""
        assert self._client is not None
        return self._client

    async def start(self) -> None:
        """Start the process and connect to it."""
        (self.folder / "control.json").unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.channels.home_process",
            str(self.folder),
            self.url,
            self._mode,
            str(self._timeout_s),
            cwd=ROOT,
            env=os.environ | {ENVIRONMENT: PASSPHRASE},
            stdout=asyncio.subprocess.DEVNULL,
        )
        connecting = ControlClient.connect(self.folder, START_TIMEOUT_S)
        self._client = await self._stack.enter_async_context(connecting)

    async def kill(self, number: int = signal.SIGKILL) -> int:
        """Kill it, wait for its end, and return its exit status."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        status = await self._process.wait()
        await self._stack.aclose()
        self._client = None
        return status


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
