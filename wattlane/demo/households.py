"""A home at work on the market day: its meter, its agent with a copy of the journal, its node.

Nothing here decides: the meter signs, the market clears, the agent computes it again and pays, and
the node keeps to its own rules. What only time cures is tried again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from energy.community.community import Community
from energy.intervals import Interval
from energy.market.agent import Agent
from energy.market.client import MarketClient
from energy.market.follower import Follower
from energy.orders.order import encode_order
from energy.signed import Signed, encode_signed, message
from wattlane.demo.homes import READY_PAUSE_S, GaveUp, Home
from wattlane.demo.market import meter_of
from wattlane.demo.metering import HomeMeter
from wattlane.demo.plan import Plan
from wattlane.demo.site import Site
from wattlane.home_folder import market_copy_in, meter_in

PAYING_TIMEOUT_S = 300.0


@dataclass(slots=True)
class TradingHome:
    """A home with all that it trades by."""

    name: str
    meter: HomeMeter
    agent: Agent
    follower: Follower

    async def read(self) -> None:
        """Say what the channels carry by now, take the meter's next reading, keep and show it.

        Raises ReadingRefused, MarketUnreachable, MarketRefused leaves.
        """
        await self.state_funds()
        await self.meter.read()
        await self.agent.share()

    async def pay(self) -> list[float]:
        """Follow the market, and pay what is owed by now; how long each payment took, ms.

        Raises GaveUp where somebody cannot be paid, and what does not follow in the journal.
        """
        deadline = time.monotonic() + PAYING_TIMEOUT_S
        await self.follower.catch_up()
        latencies_ms: list[float] = []
        while True:
            latencies_ms += [one.latency_ms for one in await self.agent.pay()]
            if self.agent.problem is None:
                return latencies_ms
            if time.monotonic() > deadline:
                raise GaveUp(f"{self.name} pays", self.agent.problem)
            await asyncio.sleep(READY_PAUSE_S)

    async def state_funds(self) -> None:
        """Say what the home's channels can carry, where that has changed."""
        await self.follower.catch_up()
        await self.agent.state_funds()

    async def close(self) -> None:
        """Let go of the meter's store and of the copy of the journal. Idempotent."""
        await self.meter.close()
        self.follower.close()


async def enter_households(
    plan: Plan,
    site: Site,
    homes: Mapping[str, Home],
    community: Community,
    market_url: str,
    stack: AsyncExitStack,
) -> dict[str, TradingHome]:
    """Meters and agents of all homes, whose nodes run, with their orders handed in.

    Raises MarketUnreachable, MarketRefused, MeterStoreUnusable, JournalUnusable.
    """
    line, accounts = plan.timeline, {name: home.index for name, home in homes.items()}
    span = Interval(line.times_ms[0], line.times_ms[-1])
    entered = {}
    for wish in plan.wishes:
        home, client = homes[wish.home], await stack.enter_async_context(MarketClient(market_url))
        folder, domain = site.home(home.name), community.domain
        follower = await Follower.open(client, market_copy_in(folder), domain=domain)
        stack.callback(follower.close)
        await follower.catch_up()
        meter = HomeMeter(
            meter_in(folder), site.street_file, home.name, meter_of(community, home.index)
        )
        stack.push_async_callback(meter.close)
        for order in wish.orders(accounts, span):
            document = encode_order(order)
            signature = home.wallet.sign(message(document, domain))
            await client.submit(encode_signed(Signed(document, signature)))
        sign, store = home.wallet.sign, meter.store
        agent = Agent(home.index, sign, client, follower, home.running, store)
        entered[home.name] = TradingHome(home.name, meter, agent, follower)
    return entered
