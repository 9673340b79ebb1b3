"""The exit circuit's key in a home's folder: whole, fetched once, replaced by nobody."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from channels import sequencer_client
from channels.errors import (
    SequencerGarbage,
    SequencerRefused,
    SequencerUnreachable,
    StoreFailed,
)
from channels.exit_key import FILE, ExitKeyKeeper
from channels.sequencer_client import SequencerClient
from tests.channels.test_sequencer_client import Respond, answering, saying

KEY = bytes(range(256)) * 500
ETAG = f'"{hashlib.sha256(KEY).hexdigest()}"'


def giving(key: bytes, etag: str = ETAG, announced: int | None = None) -> Respond:
    """Answer with a file, perhaps of another length than announced."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        length = len(key) if announced is None else announced
        head = f"HTTP/1.1 200 x\r\netag: {etag}\r\ncontent-length: {length}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n".encode() + key)
        await writer.drain()

    return respond


async def test_a_key_comes_whole() -> None:
    async with answering(giving(KEY)) as (url, _), SequencerClient(url) as client:
        assert await client.exit_key() == KEY


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (giving(KEY[:-1]), SequencerGarbage),
        (giving(KEY, etag='"no hash"'), SequencerGarbage),
        (giving(KEY, announced=len(KEY) + 1), SequencerUnreachable),
        (saying(200, "no etag"), SequencerGarbage),
        (saying(304, ""), SequencerGarbage),
        (saying(404, '{"code": "NotFound"}'), SequencerRefused),
        (saying(503, ""), SequencerUnreachable),
    ],
)
async def test_what_is_no_whole_key_is_refused(answer: Respond, error: type[Exception]) -> None:
    async with answering(answer) as (url, seen), SequencerClient(url) as client:
        with pytest.raises(error):
            await client.exit_key()
        assert len(seen) == 1


async def test_a_key_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer_client, "MAX_KEY_BYTES", len(KEY) - 1)
    async with answering(giving(KEY)) as (url, _), SequencerClient(url) as client:
        with pytest.raises(SequencerGarbage, match="64 MB"):
            await client.exit_key()


class Source:
    """Serves what it is told to."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer, self.asked = answer, 0

    async def exit_key(self) -> bytes:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_key_is_fetched_once_and_never_replaced(tmp_path: Path) -> None:
    source, now = Source(KEY), [1_000.0]
    keeper = ExitKeyKeeper(tmp_path, source, lambda: now[0])
    for _ in range(3):
        await keeper.keep()
        now[0] += 10_000
    assert (tmp_path / FILE).read_bytes() == KEY
    assert source.asked == 1
    source.answer = b"another key, when it matters"
    await ExitKeyKeeper(tmp_path, source, lambda: now[0]).keep()
    assert (tmp_path / FILE).read_bytes() == KEY
    assert os.listdir(tmp_path) == [FILE]


async def test_a_sequencer_that_fails_is_asked_again_later(tmp_path: Path) -> None:
    source, now = Source(SequencerUnreachable("url", "down")), [1_000.0]
    keeper = ExitKeyKeeper(tmp_path, source, lambda: now[0])
    with pytest.raises(SequencerUnreachable):
        await keeper.keep()
    await keeper.keep()
    assert source.asked == 1
    source.answer, now[0] = SequencerRefused(404, "NotFound", "no key"), now[0] + 600
    await keeper.keep()  # it has none: no problem of this home's
    assert source.asked == 2
    source.answer, now[0] = SequencerRefused(403, "Forbidden", "no"), now[0] + 600
    with pytest.raises(SequencerRefused):
        await keeper.keep()
    source.answer, now[0] = KEY, now[0] + 600
    await keeper.keep()
    assert (tmp_path / FILE).read_bytes() == KEY


async def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    keeper = ExitKeyKeeper(tmp_path / "gone", Source(KEY), lambda: 1.0)
    with pytest.raises(StoreFailed, match="gone"):
        await keeper.keep()
