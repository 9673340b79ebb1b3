"""What the market's tests share: signatures verified once, and a market with its agents."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from functools import lru_cache
from pathlib import Path

import pytest

from energy.community.rules import PaymentMode, Rules
from protocol.crypto import schnorr
from tests.energy.community.streets import START_MS
from tests.energy.market.served import Served
from tests.energy.market.street import community_of
from tests.energy.market.world import Make, World


@pytest.fixture(scope="package", autouse=True)
def remembered_signatures() -> Iterator[None]:
    """The same signed documents are handed in again and again: what verifies as it did before
    verifies so again, and no signature is taken for true unseen."""
    before = schnorr._engine
    remembering = schnorr.Engine(before.commit, lru_cache(maxsize=4096)(before.verify))
    schnorr.use_engine(remembering)
    yield
    schnorr.use_engine(before)


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    """Founds a market, with an agent for each home and for the community."""
    async with AsyncExitStack() as stack:

        async def made(
            mode: PaymentMode = PaymentMode.SLOT,
            carried: dict[tuple[int, int], tuple[int, int]] | None = None,
        ) -> World:
            community = community_of(rules=(Rules(1, START_MS, mode=mode),))
            served = Served(tmp_path / "market", community)
            stack.push_async_callback(served.client.close)
            stack.callback(served.service.close)
            world = World(served, stack, tmp_path)
            await world.start(carried or {})
            return world

        yield made


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A market that nobody has founded yet, and its client."""
    made = Served(tmp_path)
    yield made
    await made.client.close()
    made.service.close()
