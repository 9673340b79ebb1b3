"""A home in a process of its own that also pays: the node, and its payers as the SDK's users.

Commands come through a pipe, one answer each; a failure is sent back as its text.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from benches import node_stages
from channels import store
from channels.node import Node
from channels.process import keep_collections_short
from channels.settings import NodeSettings
from channels.wallet import Wallet
from protocol.crypto import compiled
from protocol.units import DAY_S
from tests.channels.home_process import PASSPHRASE
from tests.channels.rollup import RollupL1

ENERGY_WH, PRICE_UTOK_PER_KWH = 5, 180_000
_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(["benches.node_kernels", "benches.node_process"])


@dataclass(frozen=True, slots=True)
class Given:
    """How a home runs. `is_synced` False turns SQLite's fsync off: for comparison only.
    `is_profiled`: every stage is timed."""

    folder: Path
    url: str
    is_synced: bool = True
    is_profiled: bool = False
    poll_s: float = 1.0


async def _open(node: Node, peer: int, count: int, deposit_ntok: int) -> list[int]:
    """`count` channels with a neighbour, final and agreed."""
    found = []
    for _ in range(count):
        channel = await node.open_channel(peer, deposit_ntok=deposit_ntok, window_s=DAY_S)
        await channel.ready()
        found.append(channel.id)
    return found


async def _pay(node: Node, channels: list[int], payers: int, payments: int) -> list[float]:
    """All payments, by so many payers that each wait for their acknowledgement; latencies, ms."""
    left = iter(range(payments))
    latencies: list[float] = []

    async def payer(number: int) -> None:
        channel = node.channel(channels[number % len(channels)])
        for _ in left:
            paid = await channel.pay(energy_wh=ENERGY_WH, price_utok_per_kwh=PRICE_UTOK_PER_KWH)
            latencies.append(paid.latency_ms)

    await asyncio.gather(*(payer(number) for number in range(payers)))
    return latencies


async def _read_meter(node: Node, channel_id: int, seconds: int) -> list[float]:
    """A reading a second, each paid when it is taken, from a random moment on; latencies, ms."""
    channel = node.channel(channel_id)
    start = time.monotonic() + random.random()

    async def reading(number: int) -> float:
        await asyncio.sleep(start + number - time.monotonic())
        paid = await channel.pay(energy_wh=ENERGY_WH, price_utok_per_kwh=PRICE_UTOK_PER_KWH)
        return paid.latency_ms

    return await asyncio.gather(*(reading(number) for number in range(seconds)))


async def _add_peer(node: Node, index: int, url: str) -> None:
    node.add_peer(index, url)


async def _where(node: Node) -> str:
    return node.url


async def _stages(_: Node) -> object:
    return node_stages.read()


_COMMANDS: dict[str, Callable[..., Awaitable[Any]]] = {
    "where": _where,
    "add_peer": _add_peer,
    "open": _open,
    "pay": _pay,
    "read_meter": _read_meter,
    "stages": _stages,
}


async def _serve(given: Given, pipe: Connection) -> None:
    wallet = Wallet.load(given.folder, PASSPHRASE)
    l1 = RollupL1(given.url, int(wallet.l1_address, 16))
    settings = NodeSettings(poll_s=given.poll_s, payment_timeout_s=60.0)
    async with Node.open(wallet, sequencer=given.url, l1=l1, settings=settings) as node:
        keep_collections_short()
        while True:
            name, *arguments = await asyncio.to_thread(pipe.recv)
            if name == "stop":
                return
            cpu_s, began = time.process_time(), time.perf_counter()
            found = await _COMMANDS[name](node, *arguments)
            took_s = time.perf_counter() - began
            pipe.send((found, time.process_time() - cpu_s, took_s))


def main(given: Given, pipe: Connection) -> None:
    """The child process."""
    if not given.is_synced:
        store.SYNCHRONOUS = "OFF"
    if given.is_profiled:
        node_stages.install()
    asyncio.run(_serve(given, pipe))


class HomeProcess:
    """The parent's end."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = _FORKSERVER.Process(target=main, args=(given, theirs))
        self._process.start()
        theirs.close()

    def cpu_s(self) -> float:
        """CPU seconds of the process so far, in user and system mode."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    async def ask(self, name: str, *arguments: object) -> Any:
        """The answer to a command. Raises EOFError where the process has ended."""
        return (await self.timed(name, *arguments))[0]

    async def timed(self, name: str, *arguments: object) -> tuple[Any, float, float]:
        """The answer, the process's CPU seconds and the seconds that it took."""
        self._pipe.send((name, *arguments))
        found: tuple[Any, float, float] = await asyncio.to_thread(self._pipe.recv)
        return found

    def stop(self) -> None:
        """End the node in good order."""
        self._pipe.send(("stop",))
        self._process.join(60)

    def kill(self) -> None:
        """End it in any case."""
        self._process.kill()
        self._process.join()


def warm_up() -> None:
    """Compile what a node needs, once for all processes."""
    compiled.warm()
