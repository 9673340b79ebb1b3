"""Nobody keeps a market from the others: shares of addresses and members, and long work beside."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from contracts.buckets import Rate
from energy.community.rules import Side
from energy.errors import MarketRefused
from energy.market.api import create_app
from energy.market.client import MarketClient
from energy.market.market import Prepared
from energy.market.periods import Running
from energy.market.problems import CONTENT_TYPE
from energy.market.rates import Shares, party_of
from energy.market.service import Given, MeterClock
from tests.energy.community.streets import SIGNERS, START_MS
from tests.energy.market.served import Served
from tests.energy.market.street import METERS, quarter
from tests.energy.market.world import Make

SLOW = 1e-6
"""A second: nothing of a share comes back within a test."""
TOO_LONG_S = 5.0


async def test_an_address_that_asks_too_much_is_told_when_to_come_again(served: Served) -> None:
    """Health is never counted, and another address has a share of its own."""
    app = create_app(served.service, Rate(SLOW, 3))

    def at(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://market")

    async with at("2001:db8::1") as one, at("2001:db8::2") as same, at("192.0.2.1") as other:
        assert {(await one.get("/v1/journal")).status_code for _ in range(3)} == {200}
        refused = await same.get("/v1/journal")
        assert (refused.status_code, refused.headers["content-type"]) == (429, CONTENT_TYPE)
        problem = refused.json()
        assert problem["code"] == "TooManyRequests"
        assert problem["whose"] == "address 2001:db8::/64"
        assert problem["retry_after_s"] == refused.headers["retry-after"]
        assert int(refused.headers["retry-after"]) > 60
        assert (await one.get("/v1/health")).status_code == 200
        assert (await other.get("/v1/journal")).status_code == 200


async def test_a_member_brings_its_share_and_uses_up_nobody_elses(served: Served) -> None:
    """A document that is not taken counts for nothing, and one that is there is answered again."""
    await served.begin()
    street, client = served.street, served.client
    served.service.shares = Shares(Rate(SLOW, 2))
    forged = street.order(1, Side.SELL, 100_000, signer=SIGNERS[2])
    for _ in range(3):
        with pytest.raises(MarketRefused, match="NotSigned"):
            await client.submit(forged)
    street._orders[1] = 0
    first = street.order(1, Side.SELL, 100_000)
    await client.submit(first)
    await client.submit(street.order(1, Side.SELL, 90_000))
    with pytest.raises(MarketRefused, match="account 1 has used up its share") as caught:
        await client.submit(street.order(1, Side.SELL, 80_000))
    assert (caught.value.status, caught.value.reason_code) == (429, "TooManyRequests")
    assert not (await client.submit(first)).is_new
    assert (await client.submit(street.order(2, Side.SELL, 80_000))).is_new
    for number in (0, 1):
        await client.submit(street.reading(1, quarter(number), 0, 0))
    with pytest.raises(MarketRefused, match=f"meter {METERS[1].did} has used up"):
        await client.submit(street.reading(1, quarter(2), 0, 0))


def test_whose_a_document_is_is_what_it_says(tmp_path: Path) -> None:
    """The community's founding has an account too."""
    made = Served(tmp_path)
    assert party_of(made.street.signed_community()) == "account 0"
    assert party_of(made.street.order(3, Side.BUY, None)) == "account 3"
    assert party_of(made.street.reading(2, START_MS, 0, 0)) == f"meter {METERS[2].did}"
    made.service.close()


class Held(MeterClock):
    """A clock that looks at each document until it is let go: as long as a large one takes."""

    def __init__(self) -> None:
        super().__init__(START_MS)
        self.looks, self.let_go = threading.Event(), threading.Event()
        self.was_let_go = False

    def see(self, document: bytes) -> None:
        """Wait."""
        self.looks.set()
        self.was_let_go = self.let_go.wait(TOO_LONG_S)


async def test_others_are_served_while_a_document_is_gone_through(served: Served) -> None:
    """Also what the interval under way has come to."""
    await served.a_quarter_of_trade()
    for home, shown in {1: (0, 1_300), 2: (0, 500), 3: (1_100, 0)}.items():
        await served.client.submit(served.street.reading(home, quarter(1) + 300_000, *shown))
    held = served.service.clock = Held()
    post = asyncio.create_task(served.client.submit(served.street.order(1, Side.SELL, 1)))
    assert await asyncio.to_thread(held.looks.wait, TOO_LONG_S)
    assert (await served.client.health()).status == "ok"
    assert (await served.client.running()).clearing is not None
    held.let_go.set()
    assert (await post).is_new
    assert held.was_let_go


async def test_what_takes_long_is_never_done_by_the_loop(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks of others' documents, and of clearings and settlements of its own."""
    market, mine = served.service.market, threading.get_ident()
    threads: list[int] = []
    prepare = market.prepare

    def watched(document: bytes, now_ms: int) -> Prepared:
        threads.append(threading.get_ident())
        return prepare(document, now_ms)

    monkeypatch.setattr(market, "prepare", watched)
    await served.a_quarter_of_trade()
    assert len(threads) == market.seq
    assert mine not in threads


async def test_the_interval_under_way_is_computed_once_for_each_entry(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks, and for whatever."""
    await served.a_quarter_of_trade()
    periods, computed = served.service.market.periods, []
    running = periods.running

    def counted() -> Running | None:
        computed.append(threading.get_ident())
        return running()

    monkeypatch.setattr(periods, "running", counted)
    street, client = served.street, served.client
    for home, shown in {1: (0, 1_300), 2: (0, 500), 3: (1_100, 0)}.items():
        await client.submit(street.reading(home, quarter(1) + 300_000, *shown))
    rows = await asyncio.gather(*(client.running() for _ in range(5)), client.running())
    assert len({one.model_dump_json() for one in rows}) == 1
    await client.dues(3)
    assert len(computed) == 1
    assert computed[0] != threading.get_ident()
    await client.submit(street.reading(3, quarter(1) + 360_000, 1_200, 0))
    await client.running()
    assert len(computed) == 2


async def test_a_client_that_was_too_much_asks_again_when_told() -> None:
    """Once; then it is a refusal."""
    answers = [429, 200, 429, 429]
    info = {"status": "ok", "problem": None, "seq": "1", "time_ms": "1"}

    def answer(_request: httpx.Request) -> httpx.Response:
        status = answers.pop(0)
        problem = {"code": "TooManyRequests", "detail": "try again"}
        return httpx.Response(status, json=info if status == 200 else problem, headers=AT_ONCE)

    async with MarketClient("http://market", transport=httpx.MockTransport(answer)) as client:
        assert (await client.health()).seq == 1
        with pytest.raises(MarketRefused, match="try again"):
            await client.health()
    assert answers == []


AT_ONCE = {"retry-after": "0"}


async def test_readings_that_are_too_many_for_now_are_not_passed_over(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest comes with a later round, each in its place, and is not asked for before."""
    world = await make()
    service, asked = world.served.service, []
    submit = service.submit

    async def counted(document: bytes) -> Given:
        asked.append(document)
        return await submit(document)

    monkeypatch.setattr(service, "submit", counted)
    for number in range(4):
        world.read(quarter(number), {1: (0, 10 * number)})
    service.shares = Shares(Rate(SLOW, 2))
    await world.agents[1].once()
    assert asked == [one.encoded for one in world.served.street.readings[1][:3]]
    newest = service.market.measuring.newest(METERS[1].did)
    assert newest is not None
    assert newest.sequence == 1
    assert "used up its share" in (world.agents[1].problem or "")
    service.shares = Shares(Rate(SLOW, 2))
    await world.agents[1].once()
    newest = service.market.measuring.newest(METERS[1].did)
    assert newest is not None
    assert newest.sequence == 3
    assert world.agents[1].problem is None
