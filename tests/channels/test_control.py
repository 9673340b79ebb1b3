"""The control port: commands in, one answer each, for those who can read the folder only."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.control import FILE_NAME, ControlServer
from channels.control_client import ControlClient
from channels.errors import CommandFailed, NodeNotRunning
from protocol.units import DAY_S
from tests.channels.conftest import START_NTOK, OpenNode
from tests.channels.rollup import FEE_NTOK, Rollup


@pytest.fixture
async def client(open_node: OpenNode, tmp_path: Path) -> AsyncIterator[ControlClient]:
    """Ann's node, commanded; Ben's answers payments."""
    async with (
        open_node(0) as ann,
        open_node(1, peers={0: ann.url}),
        ControlServer.serving(ann, tmp_path),
        ControlClient.connect(tmp_path) as client,
    ):
        yield client


async def test_a_day_by_commands_only(client: ControlClient, rollup: Rollup) -> None:
    info = await client.info()
    assert (info["account_index"], info["problem"]) == (0, None)
    channel_id, transaction_id = await client.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
    await client.wait(transaction_id)
    await client.ready(channel_id)
    payments = [
        client.pay(channel_id, energy_wh=n, price_utok_per_kwh=10, payment_id=f"p{n}")
        for n in range(1, 5)
    ]
    paid = await asyncio.gather(*payments)
    assert sum(one.amount_ntok for one in paid) == 100
    assert all(0 < one.latency_ms < 60_000 for one in paid)
    await client.top_up(channel_id, 500)
    (channel,) = await client.channels()
    assert channel["deposit_own_ntok"] == 1_500
    assert channel["paid_out_ntok"] == 100
    await client.close(channel_id)
    await client.transfer(1, 7)
    await client.withdraw(50)
    assert await client.collect() == 0
    balance = await client.balance()
    spent = 100 + 7 + 50 + 4 * FEE_NTOK
    assert balance == {
        "final_ntok": START_NTOK - spent,
        "soft_ntok": START_NTOK - spent,
        "pending_l1_ntok": 0,
    }


async def test_opening_without_waiting_gives_the_ids_at_once(
    client: ControlClient, rollup: Rollup
) -> None:
    rollup.seals_itself = False
    channel_id, _ = await client.open_channel(1, deposit_ntok=5, window_s=DAY_S, wait=False)
    with pytest.raises(CommandFailed, match="UnknownChannel"):
        await client.pay(channel_id, energy_wh=1, price_utok_per_kwh=1)
    rollup.seal()
    await client.ready(channel_id)


@pytest.mark.parametrize(
    ("command", "fields", "code"),
    [
        ("fly", {}, "BadFrame"),
        ("pay", {}, "Malformed"),
        ("pay", {"channel_id": -1}, "Malformed"),
        ("pay", {"channel_id": 5, "energy_wh": 1, "price_utok_per_kwh": 1}, "UnknownChannel"),
        ("open_channel", {"peer": 1, "deposit_ntok": 0, "window_s": DAY_S}, "BadPayment"),
        ("withdraw", {"amount_ntok": 1, "wait": "yes"}, "BadFrame"),
        ("add_peer", {"index": 1, "url": "http://x"}, "PeerUnreachable"),
        ("add_peer", {"index": 1}, "BadFrame"),
    ],
)
async def test_a_bad_command_is_one_clear_error(
    client: ControlClient, command: str, fields: dict[str, object], code: str
) -> None:
    with pytest.raises(CommandFailed) as raised:
        await client.call(command, **fields)
    assert raised.value.reason_code == code
    assert (await client.info())["problem"] is None


async def test_only_who_reads_the_file_is_served(client: ControlClient, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    place = json.loads(path.read_text())
    for token in ("", "0" * 64, "\xff"):
        reader, writer = await asyncio.open_connection("127.0.0.1", place["port"])
        writer.write(token.encode() + b'\n{"id": 1, "command": "info"}\n')
        assert await reader.read() == b""
        writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", place["port"])
    writer.write(place["token"].encode() + b"\nnot json\n[]\n")
    for _ in range(2):
        assert json.loads(await reader.readline())["error"]["code"] == "BadFrame"
    writer.write(b"x" * 100_000 + b"\n")
    assert await reader.read() == b""
    writer.close()


async def test_a_node_that_is_not_there_or_goes_away_is_named(
    open_node: OpenNode, tmp_path: Path
) -> None:
    with pytest.raises(NodeNotRunning):
        async with ControlClient.connect(tmp_path, 0.2):
            pass
    async with open_node(0) as ann:
        serving = ControlServer.serving(ann, tmp_path)
        control = await serving.__aenter__()
        async with ControlClient.connect(tmp_path) as client:
            await client.stop()
            await control.stopped.wait()
            await serving.__aexit__(None, None, None)
            with pytest.raises(NodeNotRunning):
                await client.info()
    assert not (tmp_path / FILE_NAME).exists()


async def test_closing_the_client_ends_what_it_waits_for(
    open_node: OpenNode, tmp_path: Path, rollup: Rollup
) -> None:
    rollup.seals_itself = False
    async with open_node(0) as ann, ControlServer.serving(ann, tmp_path):
        async with ControlClient.connect(tmp_path) as client:
            opening = asyncio.create_task(client.open_channel(1, deposit_ntok=5, window_s=DAY_S))
            await asyncio.sleep(0.1)
            assert not opening.done()
        with pytest.raises(NodeNotRunning):
            await opening
