"""Many transactions in one post: each is answered by itself, and what is accepted is durable."""

from __future__ import annotations

import asyncio

import pytest
from httpx import AsyncClient

from protocol.codec import transaction_id, transaction_to_json
from protocol.transactions import Transaction
from sequencer.accepting import Accepting
from sequencer.api.routes.intake import MAX_BODY_BYTES, MOST_TRANSACTIONS, PATH
from sequencer.errors import StorageFailed
from sequencer.intake import Intake
from sequencer.storage.intake import Offered
from tests.sequencer.api.conftest import problem
from tests.sequencer.world import World


def body_of(*transactions: Transaction) -> dict[str, object]:
    return {"transactions": [transaction_to_json(one) for one in transactions]}


async def test_each_transaction_is_answered_by_itself(http: AsyncClient, world: World) -> None:
    good, cheap, later = world.transfer(0), world.transfer(1, amount_ntok=0), world.transfer(1)
    body = body_of(good, cheap, later)
    body["transactions"].insert(1, {"type": "gift"})  # type: ignore[attr-defined]
    answer = await http.post(PATH, json=body)
    assert answer.status_code == 202
    first, malformed, zero, last = answer.json()["results"]
    assert first == {"id": transaction_id(good), "status": "accepted"}
    assert malformed["problem"]["code"] == "Malformed"
    assert zero["problem"]["code"] == "AmountZero"
    assert (await http.get(f"/v1/transactions/{last['id']}")).json()["status"] == "accepted"
    assert world.ledger.take_accepted(64) == 2
    assert (await http.get(f"/v1/transactions/{last['id']}")).json()["status"] == "soft"


async def test_posting_again_changes_nothing(http: AsyncClient, world: World) -> None:
    body = body_of(world.transfer(0), world.transfer(1))
    answers = [(await http.post(PATH, json=body)).json() for _ in range(2)]
    world.ledger.take_accepted(64)
    answers.append((await http.post(PATH, json=body)).json())
    assert answers[0] == answers[1] == answers[2]
    assert world.ledger.take_accepted(64) == 0


@pytest.mark.parametrize(
    "body", [[], {}, {"transactions": []}, {"transactions": [1] * 257}, {"transactions": 1}]
)
async def test_what_is_no_list_of_transactions_is_malformed(
    http: AsyncClient, body: object
) -> None:
    problem(await http.post(PATH, json=body), 400, "Malformed")


async def test_a_full_list_fits_and_more_is_too_large(http: AsyncClient, world: World) -> None:
    full = body_of(*[world.transfer(0)] * MOST_TRANSACTIONS)
    assert (await http.post(PATH, json=full)).status_code == 202
    too_large = await http.post(PATH, content=b" " * (MAX_BODY_BYTES + 1))
    problem(too_large, 413, "BodyTooLarge")
    problem(await http.post("/v1/transactions", content=b" " * 20_000), 413, "BodyTooLarge")


async def test_posts_that_wait_together_are_written_together(world: World) -> None:
    intake = Intake(world.database, world.policy, lambda: world.clock_s)
    accepting, writes = Accepting(world.database, intake), 0

    def on_commit() -> None:
        nonlocal writes
        writes += 1

    world.database.on_commit = on_commit
    offers = [[intake.check(world.transfer(nonce))] for nonce in range(12)]
    outcomes = await asyncio.gather(*(accepting.accept(one) for one in offers))
    assert outcomes == [[None]] * 12
    assert writes <= 2


async def test_a_write_that_fails_is_told_to_all_who_wait_and_the_next_succeeds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = Intake(world.database, world.policy, lambda: world.clock_s)
    accepting = Accepting(world.database, intake)
    offers = [[intake.check(world.transfer(nonce))] for nonce in range(3)]

    def refuse(_offered: list[Offered]) -> None:
        raise StorageFailed("a.db", "cut")

    with monkeypatch.context() as patch:
        patch.setattr(intake, "accept", refuse)
        found = await asyncio.gather(
            *(accepting.accept(one) for one in offers), return_exceptions=True
        )
    assert [type(one) for one in found] == [StorageFailed] * 3
    assert await accepting.accept(offers[0]) == [None]


async def test_whoever_waits_hears_when_it_was_executed(world: World) -> None:
    intake = Intake(world.database, world.policy, lambda: world.clock_s)
    accepting = Accepting(world.database, intake)
    offered = intake.check(world.transfer(0))
    await accepting.accept([offered])
    assert not await accepting.executed(offered.id, 0.0)
    waiting = asyncio.create_task(accepting.executed(offered.id, 60.0))
    await asyncio.to_thread(world.ledger.take_accepted, 64)
    assert await waiting
