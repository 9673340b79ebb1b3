"""Who asks too much is told so, and when to come back; nobody uses up another's share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from httpx import ASGITransport, AsyncClient, Response
from starlette.responses import PlainTextResponse

from contracts.buckets import Rate
from contracts.client_names import name_of
from protocol.channels import Lane, channel_id, pack_lane
from protocol.codec import transaction_to_json
from protocol.transactions import Claim, Finalize, Transaction
from sequencer.accepting import Accepting
from sequencer.api.app import create_app
from sequencer.api.rates import Rates
from sequencer.api.server import ApiServer
from sequencer.api.worker_app import WorkerApp
from sequencer.intake import Intake
from sequencer.records import Records
from tests.protocol.street import ANNA, BERT, signed
from tests.sequencer.api.conftest import problem, services_of
from tests.sequencer.world import RECEIPT_KEY, World

SELDOM = 0.001
FEW = Rate(SELDOM, 3)


@asynccontextmanager
async def asking(world: World, rates: Rates, address: str) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(create_app(services_of(world, rates=rates)), client=(address, 1))
    async with AsyncClient(transport=transport, base_url="http://sequencer") as client:
        yield client


async def test_an_address_that_asks_too_much_waits_and_no_other(world: World) -> None:
    rates = Rates(address=FEW)
    async with asking(world, rates, "192.0.2.1") as http:
        for path in ("/v1/state", "/nowhere", "/v1/accounts"):
            assert (await http.get(path)).status_code in (200, 404)
        answer = await http.get("/v1/state")
        named = problem(answer, 429, "TooManyRequests")
        assert named["whose"] == "address 192.0.2.1"
        assert int(answer.headers["retry-after"]) == int(named["retry_after_s"]) == 1_000
        for path in ("/v1/health", "/v1/health/live", "/v1/health/ready"):
            assert (await http.get(path)).status_code == 200
    async with asking(world, rates, "192.0.2.2") as http:
        assert (await http.get("/v1/state")).status_code == 200


async def post(http: AsyncClient, transaction: Transaction) -> Response:
    return await http.post("/v1/transactions", json=transaction_to_json(transaction))


async def test_an_account_has_a_share_that_only_its_own_transactions_use(world: World) -> None:
    async with asking(world, Rates(account=FEW), "192.0.2.1") as http:
        forged = world.transfer()
        thief = Transaction(forged.body, signed(forged.body, BERT).signatures)
        for _ in range(5):
            problem(await post(http, thief), 403, "WrongKey")
        own = [world.transfer(nonce) for nonce in range(3)]
        for transaction in (*own, *own):
            assert (await post(http, transaction)).status_code == 202
        answer = await post(http, world.transfer(3))
        assert problem(answer, 429, "TooManyRequests")["whose"] == "account 0"
        assert "retry-after" in answer.headers
        assert (await post(http, own[0])).status_code == 202, "what is known already costs nothing"
        other = world.transfer(sender=BERT, to=BERT)
        problem(await post(http, other), 409, "SameParty")


@asynccontextmanager
async def asking_a_worker(world: World, rates: Rates) -> AsyncIterator[AsyncClient]:
    intake = Intake(world.database, world.policy, lambda: world.clock_s, rates.count)
    records = Records(world.database, RECEIPT_KEY, world.rollup.domain)
    app = WorkerApp(Accepting(world.database, intake), records, PlainTextResponse("else"), rates)
    transport = ASGITransport(app, client=("192.0.2.1", 1))
    async with AsyncClient(transport=transport, base_url="http://sequencer") as client:
        yield client


async def post_many(http: AsyncClient, *transactions: Transaction) -> list[str]:
    """What is said of each: a status, or a problem's code."""
    body = {"transactions": [transaction_to_json(one) for one in transactions]}
    results = (await http.post("/v1/intake", json=body)).json()["results"]
    return [one.get("status") or one["problem"]["code"] for one in results]


@pytest.mark.parametrize("is_worker", [False, True])
async def test_what_nobody_signs_uses_up_nobodys_share(world: World, is_worker: bool) -> None:
    world.ledger.submit(world.open_channel())
    world.to_final(world.sealed())
    id_, rates = channel_id(0, 1, 0), Rates(account=FEW)
    finalize = Transaction(Finalize(id_))
    claims = [signed(Claim(id_, Lane.AB, pack_lane(1, wh)), ANNA) for wh in (10, 20)]
    both = asking_a_worker(world, rates) if is_worker else asking(world, rates, "192.0.2.1")
    async with both as http:
        for _ in range(4):
            assert set(await post_many(http, *[finalize] * 20)) <= {"accepted", "TooManyRequests"}
            world.ledger.take_accepted(64)
        assert await post_many(http, finalize) == ["TooManyRequests"], "it has a share of its own"
        assert await post_many(http, *claims) == ["accepted"] * 2


@pytest.mark.parametrize("is_worker", [False, True])
async def test_only_what_is_new_is_counted_and_what_is_known_is_always_answered(
    world: World, is_worker: bool
) -> None:
    rates = Rates(account=FEW)
    first, second, third, fourth = (world.transfer(nonce) for nonce in range(4))
    both = asking_a_worker(world, rates) if is_worker else asking(world, rates, "192.0.2.1")
    async with both as http:
        for _ in range(2):
            assert await post_many(http, *[first] * 20) == ["accepted"] * 20
        assert await post_many(http, second, third) == ["accepted"] * 2
        assert await post_many(http, fourth, first) == ["TooManyRequests", "accepted"]
        assert (await post(http, first)).status_code == 202
        problem(await post(http, fourth), 429, "TooManyRequests")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_stands_for_a_household(address: str, name: str) -> None:
    assert name_of(address) == name


@pytest.mark.parametrize(
    ("trusted", "forwarded", "seen"),
    [
        ("", "198.51.100.1", "192.0.2.1"),
        ("203.0.113.9", "198.51.100.1", "192.0.2.1"),
        ("192.0.2.0/24", "198.51.100.1", "198.51.100.1"),
        ("192.0.2.1", "198.51.100.1, 198.51.100.2", "198.51.100.2"),
        ("192.0.2.1, 198.51.100.2", "198.51.100.1, 198.51.100.2", "198.51.100.1"),
    ],
)
async def test_a_proxy_is_believed_only_where_the_settings_trust_it(
    world: World, trusted: str, forwarded: str, seen: str
) -> None:
    rates = Rates(address=FEW)
    config: uvicorn.Config = ApiServer(create_app(services_of(world, rates=rates)), trusted).config
    config.load()
    transport = ASGITransport(config.loaded_app, client=("192.0.2.1", 1))
    async with AsyncClient(transport=transport, base_url="http://sequencer") as http:
        for _ in range(4):
            answer = await http.get("/v1/state", headers={"x-forwarded-for": forwarded})
    assert problem(answer, 429, "TooManyRequests")["whose"] == f"address {seen}"
