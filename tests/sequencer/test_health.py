"""Alive unless a loop hangs; ready unless requests would be answered wrongly or not at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest

from contracts.errors import RpcError
from sequencer import health as health_module
from sequencer.api.app import create_app
from sequencer.api.services import Info, Services
from sequencer.ending import Ending
from sequencer.errors import StorageFull
from sequencer.health import READY_LAG_S, Health
from sequencer.l1.submitter import Submitter
from sequencer.l1.watcher import Watcher
from sequencer.loops import Loops, Stopping
from sequencer.views import Views
from tests.sequencer.world import World
from tests.support.simulated_prover import SimulatedProver

WAIT_S = 60.0
TRIES = 6_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "sequencer.db")
    yield made
    made.close()


class ByHandWatcher:
    """L1 as the test wants it: each step raises `failure`, or waits for `goes_on`."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.goes_on = threading.Event()
        self.goes_on.set()

    def step(self) -> bool:
        assert self.goes_on.wait(WAIT_S)
        if self.failure is not None:
            raise self.failure
        return False


class IdleSubmitter:
    def step(self) -> bool:
        return False


class Daemon:
    """Running loops and the API over them."""

    def __init__(self, world: World) -> None:
        self.watcher, self.stopping = ByHandWatcher(), Stopping()
        self.prover = SimulatedProver()
        self.loops = Loops(
            world.ledger,
            cast(Watcher, self.watcher),
            cast(Submitter, IdleSubmitter()),
            self.prover,
            self.stopping,
            0.01,
        )
        self.health = Health(world.ledger, self.loops, lambda: world.clock_s)
        info = Info(1, "0x" + "11" * 20, False)
        services = Services(world.ledger, Views(world.ledger), info, self.health)
        transport = httpx.ASGITransport(create_app(services))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://test")

    async def status(self, question: str) -> int:
        return (await self.http.get(f"/v1/health/{question}")).status_code

    async def until(self, question: str, status: int) -> httpx.Response:
        for _ in range(TRIES):
            answer = await self.http.get(f"/v1/health/{question}")
            if answer.status_code == status:
                return answer
            await asyncio.sleep(0.01)
        raise AssertionError(f"it never became {status}")

    async def __aenter__(self) -> Daemon:
        self.task = asyncio.create_task(self.loops.run())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.watcher.goes_on.set()
        self.stopping.set()
        await self.task
        self.prover.close()


async def test_a_loop_that_hangs_is_not_live_and_one_that_fails_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Daemon(world) as daemon:
        assert await daemon.status("live") == 200
        daemon.watcher.failure = RpcError("http://l1", "eth_call", "no answer in time")
        for _ in range(TRIES):
            if "l1" in daemon.health.report()["ailments"]:
                break
            await asyncio.sleep(0.01)
        assert "l1" in daemon.health.report()["ailments"]
        assert await daemon.status("live") == 200
        daemon.watcher.failure = None
        daemon.watcher.goes_on.clear()
        monkeypatch.setattr(health_module, "STUCK_S", 0.3)
        answer = await daemon.until("live", 503)
        assert answer.json()["parts"] == "l1"
        daemon.watcher.goes_on.set()
        await daemon.until("live", 200)


async def test_a_full_disk_is_not_ready_until_there_is_room(world: World) -> None:
    async with Daemon(world) as daemon:
        assert await daemon.status("ready") == 200
        daemon.watcher.failure = StorageFull("sequencer.db")
        answer = await daemon.until("ready", 503)
        assert answer.json()["code"] == "NotReady"
        assert "no space left" in answer.json()["detail"]
        daemon.watcher.failure = None
        await daemon.until("ready", 200)


async def test_l1s_silence_makes_it_unready_only_after_an_hour(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Daemon(world) as daemon:
        await daemon.until("ready", 200)
        daemon.watcher.goes_on.clear()
        monkeypatch.setattr(health_module, "READY_LAG_S", READY_LAG_S / 10_000)
        answer = await daemon.until("ready", 503)
        assert "has not followed L1" in answer.json()["detail"]
        daemon.watcher.goes_on.set()


async def test_one_that_stops_or_whose_rollup_ended_is_alive_and_not_ready(world: World) -> None:
    daemon = Daemon(world)
    world.ledger.ending = Ending(exodus_start=5)
    assert (await daemon.status("live"), await daemon.status("ready")) == (200, 503)
    world.ledger.ending = Ending()
    assert await daemon.status("ready") == 200
    daemon.stopping.set()
    assert (await daemon.status("live"), await daemon.status("ready")) == (200, 503)
    daemon.prover.close()
