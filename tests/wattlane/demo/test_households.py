"""A home at work: it reads, shows, follows and pays, and says anew what its channels hold."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from energy.community.members import MeterKey
from energy.community.rules import Side
from energy.intervals import QUARTER_MS, Interval
from energy.market.agent import Agent
from energy.market.follower import Follower
from protocol.crypto.schnorr import Signature
from tests.energy.community.streets import SIGNERS, START_MS, member
from tests.energy.market.lanes import FakeNode, Lanes
from tests.energy.market.served import Served
from tests.energy.market.street import HOMES, community_of
from wattlane.demo import households
from wattlane.demo.homes import GaveUp
from wattlane.demo.households import TradingHome
from wattlane.demo.market import meter_of
from wattlane.demo.metering import HomeMeter, make_meter_key, write_street
from wattlane.demo.timeline import Stand, Timeline

STEP_MS = QUARTER_MS // 3
TIMES = tuple(START_MS + number * STEP_MS for number in range(7))
STANDS = {
    "1": tuple(Stand(time, 0, 100 * number) for number, time in enumerate(TIMES)),
    "2": tuple(Stand(time, 0, 50 * number) for number, time in enumerate(TIMES)),
    "3": tuple(Stand(time, 90 * number, 0) for number, time in enumerate(TIMES)),
}


def _sign(account: int, message: int) -> Signature:
    """As a wallet does: never the same twice."""
    return SIGNERS[account].sign(message, os.urandom(32))


async def _street(
    folder: Path, stack: AsyncExitStack
) -> tuple[Served, Lanes, dict[int, TradingHome], dict[int, FakeNode]]:
    """A market with orders of three homes, which are about to read their meters."""
    keys = {home: make_meter_key(folder / str(home) / "meter") for home in HOMES}
    since = START_MS - 1
    community = community_of(
        members=tuple(
            member(
                home,
                is_green=True,
                meters=(MeterKey(keys[home].did, keys[home].key_id, since),),
            )
            for home in HOMES
        )
    )
    served, lanes = Served(folder / "market", community), Lanes()
    stack.callback(served.service.close)
    file = folder / "street.csv"
    zone = ZoneInfo("UTC")
    intervals = (Interval(START_MS, START_MS + QUARTER_MS),)
    write_street(Timeline(zone, QUARTER_MS, TIMES, intervals, STANDS), file)
    await served.client.submit(served.street.signed_community())
    found, nodes = {}, {}
    for home in HOMES:
        nodes[home] = FakeNode(home, lanes, tuple(one for one in HOMES if one != home))
        follower = await Follower.open(served.client, folder / str(home) / "market")
        await follower.catch_up()
        own = folder / str(home) / "meter"
        meter = HomeMeter(own, file, str(home), meter_of(community, home))
        sign = partial(_sign, home)
        agent = Agent(home, sign, served.client, follower, nodes[home], meter.store)
        found[home] = TradingHome(str(home), meter, agent, follower)
        stack.push_async_callback(found[home].close)
    for home, side, limit in (
        (1, Side.SELL, 80_000),
        (2, Side.SELL, 80_000),
        (3, Side.BUY, 320_000),
    ):
        await served.client.submit(served.street.order(home, side, limit))
    return served, lanes, found, nodes


async def _step(street: dict[int, TradingHome]) -> int:
    """All read, then all pay; how many payments."""
    for home in street.values():
        await home.read()
    return sum([len(await home.pay()) for home in street.values()])


async def test_dues_are_paid_at_every_reading_and_right_at_the_interval_s_end(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        served, lanes, street, _ = await _street(tmp_path, stack)
        paid = [await _step(street) for _ in TIMES[:4]]
        assert paid[0] == 0 < min(paid[1:])
        owed = served.service.market.periods.owed
        due = {pair: (one.energy_wh, one.amount_ntok) for pair, one in owed.items()}
        assert due == lanes.carried
        assert sum(energy_wh for energy_wh, _ in due.values()) == 270


async def test_what_channels_hold_is_said_anew_after_a_top_up_and_after_each_interval(
    tmp_path: Path,
) -> None:
    async with AsyncExitStack() as stack:
        served, lanes, street, _ = await _street(tmp_path, stack)
        purses = served.service.market.purses
        await _step(street)
        assert [purses.newest_number(home) for home in HOMES] == [1, 1, 1]
        lanes.deposit_ntok += 1
        for home in street.values():
            await home.state_funds()
        await _step(street)  # follows the market before it says anything more
        assert [purses.newest_number(home) for home in HOMES] == [2, 2, 2]
        for _ in TIMES[2:]:
            await _step(street)
        assert purses.newest_number(3) == 3
        assert purses.free_ntok((3, 1), {}) > 0


async def test_a_neighbour_that_cannot_be_paid_is_waited_for_and_at_last_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(households, "READY_PAUSE_S", 0.001)
    monkeypatch.setattr(households, "PAYING_TIMEOUT_S", 0.01)
    async with AsyncExitStack() as stack:
        _, _, street, nodes = await _street(tmp_path, stack)
        await _step(street)
        nodes[3].offline = frozenset({1})
        for home in street.values():
            await home.read()
        with pytest.raises(GaveUp, match="3 pays: account 1 could not be paid"):
            await street[3].pay()
        nodes[3].offline = frozenset()
        assert await street[3].pay()
