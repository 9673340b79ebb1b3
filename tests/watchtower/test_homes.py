"""Homes and real towers: handed over behind the payments' back, kept through kills, claimed."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from channels.handle import ChannelHandle
from channels.handover import Kind, unpack_voucher
from channels.node import Node
from channels.towers import TowerAddress
from protocol.queue import ForcedClaim
from protocol.transactions import Claim
from protocol.units import DAY_S, L1_TIME_SLACK_S
from tests.channels.conftest import FAST, START_NTOK, OpenNode
from tests.channels.rollup import Rollup
from tests.channels.test_payments import pay, until
from tests.watchtower.tower_process import L1_ADDRESS, TowerProcess
from watchtower.store import TowerStore


@asynccontextmanager
async def running(*towers: TowerProcess) -> AsyncIterator[None]:
    try:
        for one in towers:
            await one.start()
        yield
    finally:
        for one in towers:
            await one.kill()


@asynccontextmanager
async def paying(
    open_node: OpenNode, *towers: TowerAddress
) -> AsyncIterator[tuple[Node, Node, ChannelHandle]]:
    """Ann, who pays, Ben, who has towers, and Ann's end of their channel."""
    watched = replace(FAST, towers=towers)
    async with open_node(1, settings=watched) as ben, open_node(0, peers={1: ben.url}) as ann:
        channel = await ann.open_channel(1, deposit_ntok=100_000, window_s=DAY_S)
        yield ann, ben, channel


def kept(folder: Path) -> dict[tuple[int, Kind], int]:
    """Lane numbers on a tower's disk, by channel and kind; the tower must not run."""
    store = TowerStore(folder)
    try:
        found = store.of_channels(store.channel_ids())
        return {(one.name.channel_id, one.kind): one.number for one in found}
    finally:
        store.close()


def claims(rollup: Rollup) -> list[int]:
    """Lane values of the claims that the sequencer took."""
    return [one.body.lane_value for one in rollup.log if isinstance(one.body, Claim)]


async def test_a_tower_claims_for_a_home_that_is_off(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path
) -> None:
    tower = TowerProcess(tmp_path / "tower", rollup.url)
    async with running(tower):
        address = TowerAddress(tower.url, tower.token)
        async with paying(open_node, address) as (_, ben, channel):
            for _ in range(5):
                await pay(channel)
            lane = ben._boxes[channel.id].state.received_lane
            await until(lambda: not ben._towers[0]._tower.lacks(channel.id, lane))
        async with open_node(0) as ann:
            await ann.channel(channel.id).force_close(wait=False)
            await until(lambda: claims(rollup) == [lane])
            rollup.advance(L1_TIME_SLACK_S + DAY_S)
            await until(lambda: ann.channel(channel.id).info.status == "closed")
    assert rollup.final.account(1).balance_ntok == START_NTOK + 500
    assert rollup.queue.ops == []


async def test_a_tower_forces_what_is_censored(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path
) -> None:
    rollup.censored = {"CLAIM"}
    tower = TowerProcess(tmp_path / "tower", rollup.url)
    async with running(tower):
        address = TowerAddress(tower.url, tower.token)
        async with paying(open_node, address) as (ann, ben, channel):
            await pay(channel, energy_wh=3)
            lane = ben._boxes[channel.id].state.received_lane
            await until(lambda: not ben._towers[0]._tower.lacks(channel.id, lane))
            await ben.neighbours.__aexit__(None, None, None)
            ben._following.cancel()  # type: ignore[union-attr]
            await ann.channel(channel.id).force_close(wait=False)
            rollup.advance(L1_TIME_SLACK_S + DAY_S // 4)
            await until(lambda: len(rollup.queue.ops) == 1)
        (op,) = rollup.queue.ops
        assert isinstance(op, ForcedClaim)
        assert (op.lane_value, op.sender) == (lane, L1_ADDRESS)
        rollup.consume()
        await asyncio.sleep(0.5)
        assert len(rollup.queue.ops) == 1


async def test_a_tower_that_cannot_read_gets_the_key_from_its_keeper(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path
) -> None:
    keeper = TowerProcess(tmp_path / "keeper", rollup.url)
    tower = TowerProcess(tmp_path / "tower", rollup.url, keepers=(keeper.url,))
    async with running(keeper, tower):
        address = TowerAddress(tower.url, tower.token, keeper.url, keeper.token)
        async with paying(open_node, address) as (_, ben, channel):
            for _ in range(3):
                await pay(channel)
            lane = ben._boxes[channel.id].state.received_lane
            await until(lambda: not ben._towers[0]._tower.lacks(channel.id, lane))
        async with open_node(0) as ann:
            await ann.channel(channel.id).force_close(wait=False)
            await until(lambda: claims(rollup) == [lane])
    assert {kind for _, kind in kept(keeper.folder)} == {Kind.KEY}
    assert {kind for _, kind in kept(tower.folder)} == {Kind.SEALED}


async def test_c7_what_a_tower_has_acknowledged_survives_sigkill(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path
) -> None:
    rng = random.Random(7)
    tower = TowerProcess(tmp_path / "tower", rollup.url)
    await tower.start()
    address = TowerAddress(tower.url, tower.token)
    async with paying(open_node, address) as (_, ben, channel):
        for _ in range(2):
            for _ in range(rng.randrange(2, 8)):
                await pay(channel)
                await asyncio.sleep(rng.random() / 10)
            await until(lambda: ben._towers[0]._tower._handed.get(channel.id))
            acknowledged = ben._towers[0]._tower._handed[channel.id]
            await tower.kill()
            assert kept(tower.folder)[channel.id, Kind.CLEAR] >= acknowledged
            await pay(channel)
            await tower.start()
        lane = ben._boxes[channel.id].state.received_lane
        await until(lambda: not ben._towers[0]._tower.lacks(channel.id, lane))
        await until(lambda: ben.info().problem is None)
    assert await tower.kill(signal.SIGTERM) == 0
    assert kept(tower.folder) == {(channel.id, Kind.CLEAR): lane}
    async with open_node(1, settings=replace(FAST, towers=(address,))) as ben:
        assert not ben._towers[0]._tower.lacks(channel.id, lane), "nor is it handed over again"
        received = ben._boxes[channel.id].state.received
    store = TowerStore(tower.folder)
    (record,) = store.of_channels([channel.id])
    assert unpack_voucher(record.name, record.body) == received
    store.close()


async def test_a_tower_that_is_down_costs_payments_nothing_and_is_told(
    open_node: OpenNode, rollup: Rollup, tmp_path: Path
) -> None:
    nobody = TowerAddress("http://127.0.0.1:9", "token")
    async with paying(open_node, nobody) as (_, ben, channel):
        receipts = [await channel.pay(energy_wh=1, price_utok_per_kwh=100) for _ in range(10)]
        await until(lambda: ben.info().problem is not None)
        assert "TowerUnreachable" in (ben.info().problem or "")
    assert min(one.latency_ms for one in receipts) < 200
