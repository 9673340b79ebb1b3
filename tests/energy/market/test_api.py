"""The market's interface, asked as its client asks it, over a journal on a disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import httpx
import pytest

from energy.canonical import digest, encode
from energy.community.document import community_digest
from energy.community.rules import Side
from energy.errors import DoesNotFollow, JournalUnusable, MarketRefused, MarketUnreachable
from energy.market.api import MOST_BODY_BYTES, create_app
from energy.market.client import entries_of
from energy.market.entries import BEGINNING, Entry, chain_of, following
from energy.market.journal import Journal
from energy.market.log_key import LogKey
from energy.market.market import fold, shown_kind
from energy.market.periods import GRACE_MS
from energy.market.service import MarketService, MeterClock, WallClock
from energy.settlement.documents import decode_clearing, encode_clearing
from energy.settlement.flows import Outside
from tests.energy.community.streets import START_MS
from tests.energy.market.served import Served
from tests.energy.market.street import Street, quarter

DAY = date(2026, 6, 1)


async def test_a_quarter_of_an_hour_is_traded_over_the_interface(served: Served) -> None:
    await served.a_quarter_of_trade()
    client = served.client
    found = await client.interval(quarter(0))
    assert found.clearing is not None
    assert sum(one.energy_wh for one in found.clearing.trades) == 700
    assert [one.stage for one in found.settlements] == ["provisional"]
    assert {flow.payee for flow in found.settlements[0].flows} >= {1, 2, Outside.SUPPLIER}
    assert found.status == "provisional"
    rows = await client.prices(DAY)
    assert len(rows) == 96
    assert (rows[0].traded_wh, rows[0].status) == (700, "provisional")
    assert rows[0].price_utok_per_kwh == found.clearing.price_utok_per_kwh
    assert (rows[1].price_utok_per_kwh, rows[1].status) == (None, "running")
    assert rows[2].status == "to come"
    dues = (await client.dues(3)).dues
    assert sum(one.energy_wh for one in dues) == 700
    assert all(one.amount_ntok == one.running_amount_ntok for one in dues)
    assert (await client.dues(0)).dues == []


async def test_the_interval_under_way_is_shown_as_far_as_it_is_metered(served: Served) -> None:
    await served.a_quarter_of_trade()
    with pytest.raises(MarketRefused, match="NotThere"):
        await served.client.running()
    for home, shown in {1: (0, 1_300), 2: (0, 500), 3: (1_100, 0)}.items():
        await served.client.submit(served.street.reading(home, quarter(1) + 300_000, *shown))
    running = await served.client.running()
    assert running.clearing is not None
    assert sum(one.energy_wh for one in running.clearing.trades) == 200
    dues = (await served.client.dues(3)).dues
    assert sum(one.running_energy_wh - one.energy_wh for one in dues) == 200


async def test_the_book_and_an_accounts_orders(served: Served) -> None:
    await served.a_quarter_of_trade()
    client, street = served.client, served.street
    book = await client.book(quarter(0))
    assert [(one.account, one.side) for one in book.orders] == [
        (1, "sell"), (2, "sell"), (3, "buy"),
    ]  # fmt: skip
    assert book.orders[1].limit_utok_per_kwh is None
    sold = book.orders[0]
    await client.submit(street.order(1, Side.SELL, 120_000, replaces=sold.digest))
    changed = (await client.orders(1))[0]
    await client.submit(street.cancel(1, changed.digest))
    states = [(one.limit_utok_per_kwh, one.state) for one in await client.orders(1)]
    assert states == [(120_000, "cancelled"), (100_000, "replaced")]
    assert [one.account for one in (await client.book()).orders] == [2, 3]
    with pytest.raises(MarketRefused, match="UnknownMember"):
        await client.orders(77)


async def test_a_document_is_durable_and_repeating_it_is_safe(served: Served) -> None:
    await served.begin()
    order = served.street.order(1, Side.SELL, 5)
    taken = await served.client.submit(order)
    again = await served.client.submit(order)
    assert (taken.seq, taken.kind, taken.is_new) == (6, "order", True)
    assert (again.seq, again.digest, again.is_new) == (6, digest(order), False)
    served.service.close()
    journal = Journal(served.folder, served.service.key)
    assert [entry.document for entry in journal.entries(5)] == [order]
    journal.close()


async def test_a_market_goes_on_where_it_was(served: Served) -> None:
    await served.a_quarter_of_trade()
    owed, seq = served.service.market.periods.owed, served.service.market.seq
    served.service.close()
    again = MarketService.open(served.folder, MeterClock(START_MS))
    assert (again.market.periods.owed, again.market.seq) == (owed, seq)
    assert again.now_ms() == quarter(1)
    again.close()


async def test_whoever_downloads_the_journal_computes_the_same(served: Served) -> None:
    await served.a_quarter_of_trade()
    found: list[Entry] = []
    key = b""
    while True:
        page = await served.client.journal(len(found), limit=4)
        found += entries_of(page)
        key = page.key
        if len(found) == page.newest:
            break
    assert fold(following(found, key)).periods.owed == served.service.market.periods.owed
    info = await served.client.info()
    assert (info.key, info.seq, info.name) == (key, len(found), "Sunny Street")
    assert (await served.client.community()).members[2].name == "no. 3"


async def test_what_is_not_taken_is_named_and_not_kept(served: Served) -> None:
    await served.begin()
    made = served.service.market.periods.next_interval()
    false = served.service.market.periods.clearing(made)
    refusals = {
        encode_clearing(false): "UnknownKind",
        encode({"type": "letter"}): "UnknownKind",
        b"\x00\x01": "BadDocument",
        served.street.order(1, Side.SELL, 5, number=9): "WrongNumber",
        b"": "BadDocument",
    }
    seq = served.service.market.seq
    for document, code in refusals.items():
        with pytest.raises(MarketRefused, match=code):
            await served.client.submit(document)
    assert served.service.market.seq == seq
    assert (await served.client.health()).status == "ok"


async def test_requests_that_make_no_sense_are_problems(served: Served) -> None:
    transport = httpx.ASGITransport(create_app(served.service))
    async with httpx.AsyncClient(transport=transport, base_url="http://market") as http:
        expected = {
            "/v1/info": (404, "NoCommunityYet"),
            "/v1/nothing": (404, "NotThere"),
            "/v1/journal?after=-1": (400, "BadRequest"),
            "/v1/dues": (400, "BadRequest"),
        }
        for path, answer in expected.items():
            response = await http.get(path)
            assert (response.status_code, response.json()["code"]) == answer
            assert response.headers["content-type"] == "application/problem+json"
        await served.begin()
        for path, answer in {
            "/v1/prices?day=yesterday": (400, "BadRequest"),
            "/v1/intervals/7": (404, "NotThere"),
            "/v1/intervals/x": (400, "BadRequest"),
            "/v1/documents": (400, "BadRequest"),
        }.items():
            response = await http.get(path)
            assert (response.status_code, response.json()["code"]) == answer
        response = await http.post("/v1/documents", content=bytes(MOST_BODY_BYTES + 1))
        assert (response.status_code, response.json()["code"]) == (413, "TooLarge")


async def test_a_disk_that_fails_takes_nothing_and_is_said(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.begin()
    seq = served.service.market.seq

    def fails(_entries: object) -> None:
        raise JournalUnusable("journal.db", "disk full")

    with monkeypatch.context() as patched:
        patched.setattr(served.service.journal, "append", fails)
        with pytest.raises(MarketUnreachable, match="disk full"):
            await served.client.submit(served.street.order(1, Side.SELL, 5))
    assert served.service.market.seq == seq
    assert served.service.market.book.of_account(1) == ()


async def test_a_journal_that_does_not_follow_is_not_served(served: Served) -> None:
    """Whoever has the key can sign anything; what does not follow is refused all the same."""
    await served.a_quarter_of_trade()
    entries = list(served.service.journal.entries())
    place = next(at for at, one in enumerate(entries) if shown_kind(one.document) == "clearing")
    true = decode_clearing(entries[place].document)
    false = encode_clearing(replace(true, trades=true.trades[:1]))
    folder = served.folder / "other"
    key, last = LogKey.of_folder(folder), None
    journal = Journal(folder, key.public)
    for one in [*entries[:place], replace(entries[place], document=false)]:
        before = last.chain if last else BEGINNING
        chain = chain_of(before, one.seq, one.time_ms, one.document)
        last = replace(one, chain=chain, signature=key.sign(chain))
        journal.append([last])
    journal.close()
    with pytest.raises(DoesNotFollow, match="the clearing"):
        MarketService.open(folder, MeterClock(START_MS))


async def test_what_only_time_makes_due_is_made_without_a_request(tmp_path: Path) -> None:
    now = [START_MS]
    street = Street()
    founds = community_digest(street.community)
    service = MarketService.open(tmp_path, WallClock(lambda: now[0]), founds=founds)
    for document in (
        street.signed_community(),
        *(street.reading(home, quarter(0), 0, 0) for home in (1, 2, 3)),
    ):
        await service.submit(document)
    now[0] = quarter(1)
    await service.submit(street.reading(1, quarter(1), 0, 50))
    await service.go_on()
    assert service.market.seq == 5
    now[0] = quarter(1) + GRACE_MS
    await service.go_on()
    assert service.market.seq == 7
    assert len(service.market.periods.rounds[quarter(0)].chain) == 1
    service.close()
