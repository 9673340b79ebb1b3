"""The sequencer's client: every way of not answering well has a name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from channels.errors import SequencerGarbage, SequencerRefused, SequencerUnreachable
from channels.sequencer_client import SequencerClient
from protocol.codec import channel_to_json
from protocol.transactions import Finalize, Transaction
from tests.channels.rollup import DOMAIN, FEE_NTOK, Rollup, serving
from tests.channels.street import LEAF

Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(*responses: Respond) -> AsyncIterator[tuple[str, list[int]]]:
    """A server that answers its n-th request with the n-th response, the last one from then on."""
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen.append(1)
        await responses[min(len(seen), len(responses)) - 1](writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen
    finally:
        server.close()


def saying(status: int, body: str, link: str = "") -> Respond:
    """Answer with this status, body and Link header."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} x\r\ncontent-length: {len(body)}\r\nlink: {link}\r\n"
        head += "connection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()

    return respond


async def silence(writer: asyncio.StreamWriter) -> None:
    """Say nothing and hang up."""


INFO = f"""{{"chain_id": "1", "contract": "0x1", "domain": "{DOMAIN}",
"minimum_fee_ntok": "7", "more": 1}}"""


async def test_reads_what_it_needs(rollup: Rollup) -> None:
    async with SequencerClient(rollup.url) as client:
        info = await client.info()
        assert (info.domain, info.minimum_fee_ntok) == (DOMAIN, FEE_NTOK)
        inclusion = await client.account(0, rollup.final.root)
        assert inclusion.state_root() == rollup.final.root
        assert await client.channels_of(0) == []


async def test_repeats_after_a_busy_or_broken_answer() -> None:
    async with answering(saying(503, ""), silence, saying(200, INFO)) as (url, seen):
        async with SequencerClient(url) as client:
            assert (await client.info()).minimum_fee_ntok == 7
        assert len(seen) == 3


async def test_gives_up_on_a_server_that_stays_busy_or_is_not_there() -> None:
    async with answering(saying(502, "")) as (url, seen):
        async with SequencerClient(url, attempts=2) as client:
            with pytest.raises(SequencerUnreachable, match="502"):
                await client.info()
        assert len(seen) == 2
    for nowhere in (url, "http://127.0.0.1:1", "not a url", "ftp://127.0.0.1"):
        async with SequencerClient(nowhere, attempts=1) as client:
            with pytest.raises(SequencerUnreachable):
                await client.info()


async def test_gives_up_on_a_server_that_hangs() -> None:
    never = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        await never.wait()

    async with answering(hang) as (url, _):
        async with SequencerClient(url, timeout_s=0.1, attempts=2) as client:
            with pytest.raises(SequencerUnreachable, match="Timeout"):
                await client.info()
        never.set()


@pytest.mark.parametrize(
    "body", ["<html>", "[]", "{}", "null", INFO.replace('"7"', '"-7"'), INFO.replace('"7"', "{}")]
)
async def test_garbage_has_a_name(body: str) -> None:
    async with answering(saying(200, body)) as (url, _), SequencerClient(url) as client:
        with pytest.raises(SequencerGarbage):
            await client.info()


@pytest.mark.parametrize("body", ["<html>", "[]", "1"])
async def test_a_failure_that_is_no_problem_document_is_garbage(body: str) -> None:
    async with answering(saying(404, body)) as (url, _), SequencerClient(url) as client:
        with pytest.raises(SequencerGarbage):
            await client.transaction("x")


async def test_a_problem_is_a_refusal_by_name(rollup: Rollup) -> None:
    async with SequencerClient(rollup.url) as client:
        with pytest.raises(SequencerRefused) as raised:
            await client.submit(Transaction(Finalize(1)))
        assert raised.value.reason_code == "UnknownChannel"
        assert raised.value.status == 409


async def test_an_answer_without_end_is_garbage() -> None:
    async with answering(saying(200, " " * 4_000_001)) as (url, _), SequencerClient(url) as client:
        with pytest.raises(SequencerGarbage):
            await client.info()


async def test_serving_twice_is_two_servers() -> None:
    first, second = Rollup(), Rollup()
    async with serving(first), serving(second):
        assert first.url != second.url


async def test_all_pages_of_a_list_are_read_and_a_list_without_end_is_not() -> None:
    channel = channel_to_json(LEAF)
    page = [{"slot": str(slot), "channel": channel} for slot in (0, 1)]
    rest = [{"slot": "2", "channel": channel}]
    link = '<https://elsewhere.example/v1/channels?cursor=abc>; rel="next"'
    said = [saying(200, json.dumps(page), link), saying(200, json.dumps(rest))]
    async with answering(*said) as (url, seen), SequencerClient(url) as client:
        assert [slot for slot, _ in await client.closing_channels()] == [0, 1, 2]
        assert len(seen) == 2
    async with (
        answering(saying(200, json.dumps(page), link)) as (url, seen),
        SequencerClient(url) as client,
    ):
        assert len(await client.closing_channels()) == 2
        assert len(seen) == 2, "a page that does not go forward ends it"
