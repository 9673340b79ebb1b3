"""A market as a process: served over a real connection, stopped by a signal, started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from energy.community.document import community_digest, encode_community
from energy.errors import (
    CannotServe,
    MarketRefused,
    MarketUnreachable,
    NothingToBegin,
    NotSigned,
    NotToBeFounded,
)
from energy.market.client import MarketClient
from energy.market.process import MarketSettings, run_market
from energy.market.service import MarketService, MeterClock
from tests.energy.community.streets import SIGNERS, START_MS
from tests.energy.market.street import Street, community_of, quarter, signed


def settings_of(folder: Path, **changes: object) -> MarketSettings:
    """A market of a replayed day, in plain Python."""
    plain = {"clock": MeterClock(START_MS), "use_compiled": False, "pause_s": 0.05}
    return MarketSettings(folder, **(plain | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def running(settings: MarketSettings) -> AsyncIterator[MarketClient]:
    """A market until SIGTERM, which ends it well."""
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    market = asyncio.create_task(run_market(settings, url.set_result))
    while not url.done():
        if market.done():
            market.result()
        await asyncio.sleep(0.01)
    async with MarketClient(await url, attempts=1) as client:
        yield client
    os.kill(os.getpid(), signal.SIGTERM)
    await market


async def test_it_is_stopped_by_a_signal_and_goes_on_where_it_was(tmp_path: Path) -> None:
    street = Street()
    async with running(settings_of(tmp_path, founding=street.signed_community())) as client:
        for home in (1, 2, 3):
            await client.submit(street.reading(home, quarter(0), 0, 0))
        seq = (await client.info()).seq
    with pytest.raises(MarketUnreachable):
        await MarketClient(client.url, attempts=1).health()
    async with running(settings_of(tmp_path, founding=street.signed_community())) as client:
        info = await client.info()
        assert (info.seq, info.name) == (seq, "Sunny Street")
        for home in (1, 2, 3):
            await client.submit(street.reading(home, quarter(1), 100, 0))
        assert (await client.interval(quarter(0))).status == "provisional"


async def test_what_keeps_it_from_starting_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = taken.getsockname()
        founding = Street().signed_community()
        with pytest.raises(CannotServe, match=f"127.0.0.1:{place[1]}"):
            await run_market(settings_of(tmp_path / "a", listen=place, founding=founding))
    forged = signed(encode_community(Street().community), SIGNERS[2])
    with pytest.raises(NotSigned):
        await run_market(settings_of(tmp_path / "b", founding=forged))
    with pytest.raises(NothingToBegin, match="the first who came could found one"):
        await run_market(settings_of(tmp_path / "c"))


async def test_the_first_who_comes_founds_nothing(tmp_path: Path) -> None:
    """A stranger's community, well formed and signed by its own account, as the first document."""
    street, stranger = Street(), Street(community_of(name="Another Street"))
    settings = settings_of(tmp_path, founds=community_digest(street.community))
    async with running(settings) as client:
        with pytest.raises(MarketRefused, match="NotToBeFounded") as caught:
            await client.submit(stranger.signed_community())
        assert caught.value.status == 403
        assert (await client.submit(street.signed_community())).seq == 1
        with pytest.raises(MarketRefused, match="AlreadyFounded"):
            await client.submit(stranger.signed_community())
    service = MarketService.open(tmp_path / "without", MeterClock(START_MS))
    with pytest.raises(NotToBeFounded, match="takes no founding from outside"):
        await service.submit(street.signed_community())
    assert service.journal.last is None
    service.close()
