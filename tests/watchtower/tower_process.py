"""A watchtower as a process of its own over the tests' rollup: started, killed, started again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx

from tests.channels.fake_l1 import DOMAIN, RollupL1
from watchtower.daemon import TowerSettings, run_tower
from watchtower.store import TowerStore

L1_ADDRESS = 0x70
_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["tests.watchtower.tower_process"])


def main(folder: Path, url: str, port: int, keepers: tuple[str, ...]) -> None:
    """Watch until stopped or killed."""
    settings = TowerSettings(
        folder, url, ("127.0.0.1", port), keepers, poll_s=0.1, use_compiled=True
    )
    asyncio.run(run_tower(settings, RollupL1(url, L1_ADDRESS), DOMAIN))


class TowerProcess:
    """A tower's folder and address, and its process while it runs."""

    def __init__(self, folder: Path, rollup_url: str, keepers: tuple[str, ...] = ()) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.url = folder, f"http://127.0.0.1:{self.port}"
        self._arguments = (folder, rollup_url, self.port, keepers)
        store = TowerStore(folder)
        self.token = store.add_client("ben")
        store.close()
        self._process: ForkServerProcess | None = None

    async def start(self) -> None:
        """Start it and wait until it has looked at L1."""
        self._process = _FORKSERVER.Process(target=main, args=self._arguments)
        await asyncio.to_thread(self._process.start)
        async with httpx.AsyncClient(trust_env=False) as http, asyncio.timeout(120):
            while True:
                try:
                    health = (await http.get(f"{self.url}/v1/health")).json()
                    if health["final_block"] is not None:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.05)

    async def kill(self, number: int = signal.SIGKILL) -> int | None:
        """Send a signal, wait for its end, and return its exit status."""
        process = self._process
        assert process is not None
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, number)
        await asyncio.to_thread(process.join)
        return process.exitcode
