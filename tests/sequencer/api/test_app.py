from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response

from protocol.channels import Lane, channel_id, pack_lane
from protocol.codec import (
    account_inclusion_from_json,
    channel_inclusion_from_json,
    to_int,
    transaction_from_json,
    transaction_id,
    transaction_to_json,
)
from protocol.crypto.jubjub import Point
from protocol.receipts import receipt_from_json
from protocol.transactions import Claim, StartClose, Transaction
from sequencer.api.app import MAX_BODY_BYTES, create_app
from sequencer.api.key_file import KeyFile
from sequencer.receipts import is_signed
from sequencer.sealing import DataMode
from sequencer.storage.schema import L1Status
from sequencer.storage.sent import SentRow
from tests.protocol.street import ANNA, BERT, signed
from tests.sequencer.api.conftest import problem, services_of
from tests.sequencer.world import FEE_NTOK, PROOF, SHAPE, World, on_l1

Json = dict[str, Any]


async def post(http: AsyncClient, transaction: Transaction, **query: str) -> Response:
    return await http.post("/v1/transactions", json=transaction_to_json(transaction), params=query)


async def test_info_says_which_rollup_and_what_it_asks(http: AsyncClient, world: World) -> None:
    info = (await http.get("/v1/info")).json()
    assert info["domain"] == str(world.rollup.domain)
    assert (info["queue_slots"], info["user_slots"]) == ("3", "4")
    assert info["proofs_per_batch"] == "1"
    assert info["minimum_fee_ntok"] == str(FEE_NTOK)
    assert info["key_is_insecure"] is True


async def test_a_submitted_transaction_has_a_receipt_signed_by_the_operator(
    http: AsyncClient, world: World
) -> None:
    transaction = world.transfer()
    response = await post(http, transaction)
    assert response.status_code == 202
    answer = response.json()
    assert answer["id"] == transaction_id(transaction)
    assert (answer["status"], answer["slot"]) == ("soft", None)
    info = (await http.get("/v1/info")).json()
    key, deadline = info["receipt_key"], int(info["l1_time"]) + int(info["included_within_s"])
    for status in ("soft", "proved", "final"):
        given = (await http.get(f"/v1/transactions/{answer['id']}")).json()
        assert given["status"] == given["receipt"]["status"] == status
        receipt = given["receipt"]
        plain, signature = receipt_from_json(receipt)
        assert plain.deadline == deadline
        assert is_signed(Point(int(key[0]), int(key[1])), world.rollup.domain, plain, signature)
        if status == "soft":
            batch = world.proved()
        elif status == "proved":
            world.to_final(batch)


async def test_submitting_twice_answers_the_same(http: AsyncClient, world: World) -> None:
    transaction = world.transfer()
    first, second = await post(http, transaction), await post(http, transaction)
    assert first.json() == second.json()


async def test_each_mistake_has_its_name(http: AsyncClient, world: World) -> None:
    good = world.transfer()
    problem(await post(http, world.transfer(nonce=2)), 409, "WrongNonce")
    problem(await post(http, world.transfer(amount_ntok=10**9)), 409, "InsufficientBalance")
    problem(await post(http, world.transfer(amount_ntok=0)), 422, "AmountZero")
    other = Transaction(good.body, world.transfer(0, 9).signatures)
    problem(await post(http, other), 403, "BadSignature")
    thief = Transaction(good.body, signed(good.body, BERT).signatures)
    problem(await post(http, thief), 403, "WrongKey")
    wrong = str(world.rollup.domain + 1)
    problem(await post(http, good, domain=wrong), 422, "WrongDomain")
    foreign = signed(good.body, ANNA, domain=world.rollup.domain + 1)
    problem(await post(http, foreign), 403, "BadSignature")
    await post(http, world.open_channel())
    epoch = signed(Claim(channel_id(0, 1, 4), Lane.AB, pack_lane(1, 1)), ANNA)
    named = problem(await post(http, epoch), 422, "WrongEpoch")
    assert (named["open_epoch"], named["given_epoch"]) == ("0", "4")
    lane = signed(Claim(channel_id(0, 1, 0), Lane.BA, pack_lane(1, 1)), ANNA)
    problem(await post(http, lane), 422, "WrongLane")
    expired = world.transfer(1)
    world.new_block(seconds=4_000)
    named = problem(await post(http, expired), 409, "Expired")
    assert named["l1_time"] == str(world.l1_time)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "Malformed"),
        (b"{", "Malformed"),
        (b"[]", "Malformed"),
        (b"\xff\xfe", "Malformed"),
        (b"[" * 9_000, "Malformed"),
        (b"NaN", "Malformed"),
        (b'{"type": "transfer", "body": {}, "signatures": []}', "Malformed"),
        (b'{"type": "steal", "body": {}, "signatures": []}', "Malformed"),
    ],
)
async def test_garbage_is_malformed(http: AsyncClient, body: bytes, code: str) -> None:
    problem(await http.post("/v1/transactions", content=body), 400, code)


@pytest.mark.parametrize("amount", ["-1", "1.5", "1e3", "", "٣", str(2**64), "9" * 100])
async def test_amounts_that_are_no_amounts(http: AsyncClient, world: World, amount: str) -> None:
    body = transaction_to_json(world.transfer())
    body["body"]["amount_ntok"] = amount
    response = await http.post("/v1/transactions", json=body)
    code = "OutOfRange" if amount == str(2**64) else "Malformed"
    problem(response, 400, code)


async def test_a_body_beyond_the_limit_is_refused(http: AsyncClient) -> None:
    response = await http.post("/v1/transactions", content=b"x" * (MAX_BODY_BYTES + 1))
    problem(response, 413, "BodyTooLarge")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 1_000

    problem(await http.post("/v1/transactions", content=endless()), 413, "BodyTooLarge")


async def test_witnesses_lead_to_the_root_that_they_are_given_for(
    http: AsyncClient, world: World
) -> None:
    await post(http, world.open_channel())
    batch = world.sealed()
    await post(http, world.transfer(1))
    state = (await http.get("/v1/state")).json()
    roots = [state["soft_root"], state["final_root"], str(batch.new_root)]
    for asked, root in zip(["soft", "final", hex(batch.new_root)], roots, strict=True):
        given = (await http.get("/v1/accounts/0", params={"root": asked})).json()
        assert given["root"] == root
        assert account_inclusion_from_json(given["inclusion"]).state_root() == int(root)
        given = (await http.get("/v1/channels/0", params={"root": asked})).json()
        found = channel_inclusion_from_json(given["inclusion"])
        assert found.state_root() == int(root)
        assert (found.channel is None) == (asked == "final")
    absent = (await http.get("/v1/accounts/99")).json()["inclusion"]
    assert account_inclusion_from_json(absent).account is None


async def test_unknown_things_are_404(http: AsyncClient) -> None:
    problem(await http.get("/v1/accounts/0", params={"root": "0x5"}), 404, "UnknownRoot")
    problem(await http.get("/v1/transactions/nope"), 404, "NotFound")
    problem(await http.get("/v1/batches/99"), 404, "NotFound")
    problem(await http.get("/v1/queue/99"), 404, "NotFound")
    problem(await http.get("/nowhere"), 404, "NotFound")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/accounts/x",
        "/v1/accounts/-1",
        f"/v1/accounts/{2**24}",
        f"/v1/batches/{2**63}",
        "/v1/channels/0?root=zz",
        "/v1/channels/0?root=0xzz",
        "/v1/accounts?key_hash=-1",
        "/v1/channels?account=x",
        "/v1/channels?cursor=abc",
        "/v1/events?after=1.0",
    ],
)
async def test_bad_paths_are_400(http: AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert response.status_code == 400
    assert response.json()["code"] in ("Malformed", "OutOfRange")


async def test_accounts_and_channels_are_found_by_their_owner(
    http: AsyncClient, world: World
) -> None:
    await post(http, world.open_channel())
    by_key = (await http.get("/v1/accounts", params={"key_hash": str(ANNA.key_hash)})).json()
    by_address = (
        await http.get("/v1/accounts", params={"l1_address": hex(ANNA.l1_address)})
    ).json()
    assert [one["index"] for one in by_key] == [one["index"] for one in by_address] == ["0"]
    for account in ("0", "1"):
        found = (await http.get("/v1/channels", params={"account": account})).json()
        assert [one["channel_id"] for one in found] == [str(channel_id(0, 1, 0))]
    assert (await http.get("/v1/channels", params={"account": "2"})).json() == []


async def test_closing_channels_are_listed_by_slot_a_page_at_a_time(
    http: AsyncClient, world: World
) -> None:
    for nonce in (0, 1, 2, 3):
        await post(http, world.open_channel(nonce))
    assert (await http.get("/v1/channels", params={"status": "closing"})).json() == []
    for epoch in (0, 1, 2):
        body = StartClose(channel_id(0, 1, epoch), Lane.AB, 4 + epoch, world.later)
        assert (await post(http, signed(body, ANNA))).status_code == 202
    two = {"status": "closing", "limit": "2"}
    first = await http.get("/v1/channels", params=two)
    shown = [(one["slot"], one["channel"]["status"]) for one in first.json()]
    assert shown == [("0", "2"), ("1", "2")]
    second = await http.get(first.links["next"]["url"])
    assert [one["slot"] for one in second.json()] == ["2"]
    assert "next" not in second.links
    after = {"status": "closing", "from_slot": "2"}
    assert [one["slot"] for one in (await http.get("/v1/channels", params=after)).json()] == ["2"]
    opened = (await http.get("/v1/channels", params={"status": "open"})).json()
    assert [one["slot"] for one in opened] == ["3"]
    problem(await http.get("/v1/channels", params={"status": "shut"}), 400, "Malformed")
    assert len((await http.get("/v1/channels", params={"from_slot": "1"})).json()) == 3


async def test_batches_are_listed_with_proof_and_transactions(
    http: AsyncClient, world: World
) -> None:
    id_ = (await post(http, world.transfer())).json()["id"]
    opened = (await http.get("/v1/batches/2")).json()
    assert (opened["status"], opened["transactions"]) == ("open", [id_])
    world.proved()
    (batch,) = (await http.get("/v1/batches", params={"after": "1"})).json()
    assert batch["transactions"] == [id_]
    (proof,) = batch["proofs"]
    assert (batch["status"], proof["proof"]) == ("proved", "0x" + PROOF.hex())
    assert (await http.get("/v1/batches/2")).json() == batch


async def test_queue_ops_and_events_can_be_followed(http: AsyncClient, world: World) -> None:
    world.deposit(0, 5)
    assert (await http.get("/v1/queue/4")).json()["status"] == "soft"
    batch = world.proved()
    assert (await http.get("/v1/queue/4")).json()["status"] == "proved"
    world.to_final(batch)
    op = (await http.get("/v1/queue/4")).json()
    assert (op["status"], op["batch"]) == ("final", str(batch.number))
    events = (await http.get("/v1/events", params={"after": "0"})).json()
    assert [one["kind"] for one in events if one["subject"] == f"batch {batch.number}"] == [
        "sealed",
        "proved",
        "final",
    ]


async def test_the_openapi_names_every_path(http: AsyncClient) -> None:
    document = (await http.get("/v1/openapi.json")).json()
    assert {"/v1/transactions", "/v1/accounts/{index}", "/v1/batches"} <= document["paths"].keys()
    assert "requestBody" in document["paths"]["/v1/transactions"]["post"]


async def test_what_the_api_gives_back_decodes(http: AsyncClient, world: World) -> None:
    transaction = world.transfer()
    text = json.dumps(transaction_to_json(transaction))
    assert transaction_from_json(json.loads(text)) == transaction
    info = (await http.get("/v1/info")).json()
    assert to_int("user_slots", info["user_slots"]) == SHAPE.user_slots


async def test_the_exit_key_is_streamed_and_named_by_its_content(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "exit.zkey"
    path.write_bytes(b"a key " * 40_000)
    app = create_app(services_of(world, KeyFile.of(path)))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://sequencer") as http:
        answer = await http.get("/v1/exit-key")
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        etag = f'"{hashlib.sha256(path.read_bytes()).hexdigest()}"'
        assert answer.headers["etag"] == etag
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-length"] == str(path.stat().st_size)
        for known in (etag, f'"other", {etag}'):
            again = await http.get("/v1/exit-key", headers={"if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == etag
        other = await http.get("/v1/exit-key", headers={"if-none-match": '"other"'})
        assert other.content == answer.content


async def test_a_sequencer_without_an_exit_key_says_so(http: AsyncClient) -> None:
    problem(await http.get("/v1/exit-key"), 404, "NotFound")


async def test_a_batchs_blob_is_served_as_it_is(http: AsyncClient, world: World) -> None:
    for number, wanted in (("1", {}), ("2", {}), ("1", {"versioned_hash": "0x" + 64 * "1"})):
        problem(await http.get(f"/v1/batches/{number}/blob", params=wanted), 404, "NotFound")
    world.ledger.sealing = replace(world.ledger.sealing, data_mode=DataMode.BLOB)
    world.ledger.submit(world.transfer())
    batch = world.proved()
    assert batch.sidecar is not None
    row = SentRow("0x" + 64 * "5", 2, batch.id, 7, b"raw", L1Status.INTENDED, 1.0)
    world.ledger.record_intent(row, batch.sidecar)
    named = "0x" + batch.sidecar.versioned_hash.hex()
    for wanted in ({}, {"versioned_hash": named}):
        answer = await http.get("/v1/batches/2/blob", params=wanted)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.content == batch.sidecar.blob
    for wrong in ("0x12", named[2:], named + "0", "0x" + 64 * "g"):
        odd = await http.get("/v1/batches/2/blob", params={"versioned_hash": wrong})
        problem(odd, 400, "Malformed")
    assert (await http.get("/v1/batches/2")).json()["data_mode"] == "blob"
    assert (await http.get("/v1/info")).json()["data_mode"] == "blob"


async def test_the_blob_of_a_batch_that_another_made_is_kept_when_it_is_seen(
    http: AsyncClient, world: World
) -> None:
    world.ledger.sealing = replace(world.ledger.sealing, data_mode=DataMode.BLOB)
    world.ledger.submit(world.transfer())
    batch = world.proved()
    assert batch.sidecar is not None
    seen = replace(on_l1(batch), versioned_hash=batch.sidecar.versioned_hash)
    world.ledger.void_from(2, batch.id)
    world.new_block(batches=(seen,))
    assert (await http.get("/v1/batches/2/blob")).content == batch.sidecar.blob
    assert (await http.get("/v1/batches/2")).json()["data_mode"] == "blob"
    world.restart()
    assert world.ledger.book.final_number == 2
