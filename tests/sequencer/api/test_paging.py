"""Lists a page at a time: every row once, whatever the size of a page."""

from __future__ import annotations

import pytest
from httpx import AsyncClient

from protocol.errors import Malformed
from sequencer.api.cursors import decode, encode
from tests.sequencer.api.conftest import problem
from tests.sequencer.world import World


async def walk(http: AsyncClient, url: str) -> list[list[object]]:
    """The pages of a list, by its links."""
    pages = []
    while True:
        answer = await http.get(url)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        if "next" not in answer.links:
            return pages
        url = answer.links["next"]["url"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/accounts?",
        "/v1/channels?",
        "/v1/channels?account=0&from_slot=1",
        "/v1/batches?",
        "/v1/batches?after=1",
        "/v1/events?",
        "/v1/events?after=3",
    ],
)
async def test_the_pages_together_are_the_list(http: AsyncClient, world: World, path: str) -> None:
    for nonce in range(3):
        world.ledger.submit(world.open_channel(nonce))
        world.to_final(world.proved())
    (whole,) = await walk(http, path)
    assert len(whole) >= 2
    for limit in (1, 2):
        pages = await walk(http, f"{path}&limit={limit}")
        assert [row for page in pages for row in page] == whole
        assert all(len(page) == limit for page in pages[:-1])


async def test_what_comes_later_does_not_move_the_pages(http: AsyncClient, world: World) -> None:
    first = await http.get("/v1/events?limit=2")
    world.ledger.submit(world.transfer())
    rest = await walk(http, first.links["next"]["url"])
    ids = [int(row["id"]) for row in (*first.json(), *[row for page in rest for row in page])]
    assert ids == list(range(1, len(ids) + 1))


async def test_a_cursor_is_one_of_ours_or_malformed(http: AsyncClient, world: World) -> None:
    for cursor in ("zz", "AAAA", encode("batches", 1), encode("events", -5), "ZXZlbnRzOg"):
        problem(await http.get("/v1/events", params={"cursor": cursor}), 400, "Malformed")
    for cursor in ("", "x" * 65, "a=b", "ä"):
        problem(await http.get("/v1/events", params={"cursor": cursor}), 400, "Malformed")
    for limit in ("0", "501", "-1", "x", "1.5"):
        problem(await http.get("/v1/events", params={"limit": limit}), 400, "Malformed")


@pytest.mark.parametrize("last", [0, 1, 7, 2**24 - 1, 2**63 - 1])
def test_a_cursor_says_where_to_go_on(last: int) -> None:
    assert decode("events", encode("events", last)) == last


@pytest.mark.parametrize("cursor", [encode("events", 2**63), encode("events", 1) + "A", "é"])
def test_no_other_text_is_a_cursor(cursor: str) -> None:
    with pytest.raises(Malformed):
        decode("events", cursor)
