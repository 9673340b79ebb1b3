"""A market in a folder, asked without a network, and the street that uses it."""

from __future__ import annotations

from pathlib import Path

import httpx

from energy.community.community import Community
from energy.community.document import community_digest
from energy.community.rules import Side
from energy.market.api import create_app
from energy.market.client import MarketClient
from energy.market.service import MarketService, MeterClock
from tests.energy.community.streets import START_MS
from tests.energy.market.street import Street, quarter


class Served:
    """A market in a folder, its client, and the street that uses it."""

    def __init__(self, folder: Path, community: Community | None = None) -> None:
        self.folder = folder
        self.street = Street(community)
        founds = community_digest(self.street.community)
        self.service = MarketService.open(folder, MeterClock(START_MS), founds=founds)
        transport = httpx.ASGITransport(create_app(self.service))
        self.client = MarketClient("http://market", attempts=1, transport=transport)

    async def begin(self) -> None:
        """The community and its funds."""
        await self.client.submit(self.street.signed_community())
        for account in (0, 1, 2, 3):
            await self.client.submit(self.street.funds(account, START_MS))

    async def a_quarter_of_trade(self) -> None:
        """Homes 1 and 2 sell to home 3 what they have in the first quarter of an hour."""
        await self.begin_to_trade()
        await self.first_quarter()

    async def begin_to_trade(self) -> None:
        """With the orders of the three."""
        street, client = self.street, self.client
        await self.begin()
        await client.submit(street.order(1, Side.SELL, 100_000))
        await client.submit(street.order(2, Side.SELL, None))
        await client.submit(street.order(3, Side.BUY, 250_000, energy_wh=700))

    async def first_quarter(self) -> None:
        """Everybody's readings at its two ends."""
        street, client = self.street, self.client
        for home in (1, 2, 3):
            await client.submit(street.reading(home, quarter(0), 0, 0))
        for home, shown in {1: (0, 1_000), 2: (0, 500), 3: (900, 0)}.items():
            await client.submit(street.reading(home, quarter(1), *shown))
