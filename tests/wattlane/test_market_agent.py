"""The agent as a process: it reaches its node by the folder, pays, and stops when it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.control import FILE_NAME
from channels.errors import NodeNotRunning
from channels.wallet import Wallet
from energy.errors import AnotherRollup, BadMeterName
from energy.market.client import MarketClient
from energy.market.journal import read_journal
from tests.energy.community.streets import DOMAIN, SIGNERS
from tests.energy.market.lanes import FakeNode, Lanes
from tests.energy.market.served import Served
from wattlane import market_agent
from wattlane.market_agent import NodeOfFolder, run_agent


class KeyOnly:
    """What an agent uses of a wallet."""

    path = Path("wallet.json")

    def __init__(self, account: int) -> None:
        self.key_hash = SIGNERS[account].key_hash
        self.sign = partial(self._sign, account)

    def _sign(self, account: int, message: int) -> object:
        return SIGNERS[account].sign(message, bytes(32))


@asynccontextmanager
async def control_port(folder: Path, node: FakeNode, domain: int = DOMAIN) -> AsyncIterator[None]:
    """A node's control port, as `channels.control` has it."""

    async def answer(command: str, fields: dict[str, Any]) -> Any:
        if command == "info":
            return {"domain": str(domain)}
        if command == "channels":
            return [_as_sent(row) for row in await node.channels()]
        wh, price = int(fields["energy_wh"]), int(fields["price_utok_per_kwh"])
        await node.pay(
            int(fields["channel_id"]),
            energy_wh=wh,
            price_utok_per_kwh=price,
            payment_id=fields["payment_id"],
        )
        return {
            "lane_value": "1",
            "amount_ntok": str(wh * price),
            "latency_ms": 1.5,
            "payment_id": fields["payment_id"],
        }

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"token\n"
        while line := await reader.readline():
            fields = json.loads(line)
            result = await answer(fields.pop("command"), fields)
            writer.write(json.dumps({"id": fields["id"], "result": result}).encode() + b"\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    _announce(folder, server.sockets[0].getsockname()[1])
    yield
    server.close()


def _announce(folder: Path, port: int) -> None:
    folder.mkdir()
    place = {"port": port, "token": "token", "url": ""}
    (folder / FILE_NAME).write_text(json.dumps(place))


def _as_sent(row: dict[str, Any]) -> dict[str, Any]:
    return {name: str(one) if type(one) is int else one for name, one in row.items()}


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """A market after a quarter of an hour of trade, which the agent reaches without a network."""
    made = Served(tmp_path / "market")
    await made.a_quarter_of_trade()
    transport = made.client._http._transport
    assert isinstance(transport, httpx.ASGITransport)
    client = partial(MarketClient, attempts=1, transport=transport)
    monkeypatch.setattr(market_agent, "MarketClient", client)
    yield made
    await made.client.close()
    made.service.close()


def agent(folder: Path, on_ready: Any, account: int = 3) -> Any:
    """The agent of an account, whose node's folder it is."""
    wallet: Wallet = KeyOnly(account)  # type: ignore[assignment]
    arguments = (wallet, folder, "http://market", folder / "copy", None, 0.05, on_ready)
    return run_agent(*arguments, use_compiled=False)


async def test_it_pays_through_the_folders_node_until_it_is_stopped(
    served: Served, tmp_path: Path
) -> None:
    lanes, ready = Lanes(), []
    node = FakeNode(3, lanes, (0, 1, 2))
    async with control_port(tmp_path / "home", node):
        running = asyncio.create_task(agent(tmp_path / "home", lambda *told: ready.append(told)))
        owed = served.service.market.periods.owed
        async with asyncio.timeout(30):
            while any(lanes.of(3, one)[1] < owed[3, one].amount_ntok for one in (1, 2)):
                assert not running.done()
                await asyncio.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
    assert ready == [(3, False)]
    assert all(lanes.of(3, one)[0] == owed[3, one].energy_wh for one in (1, 2))
    _, kept = read_journal(tmp_path / "home" / "copy")
    assert len(list(kept)) == served.service.market.seq


async def test_it_pays_nothing_for_a_street_of_another_rollup(
    served: Served, tmp_path: Path
) -> None:
    node = FakeNode(3, Lanes(), (0, 1, 2))
    async with control_port(tmp_path / "home", node, domain=DOMAIN + 1):
        with pytest.raises(AnotherRollup):
            await agent(tmp_path / "home", lambda *_told: None)


async def test_a_node_that_does_not_run_is_said(tmp_path: Path) -> None:
    with pytest.raises(NodeNotRunning):
        await NodeOfFolder(tmp_path).channels()


async def test_a_meter_that_is_none_is_refused_before_anything_else(tmp_path: Path) -> None:
    """By its name, whatever is running."""
    wallet: Wallet = KeyOnly(3)  # type: ignore[assignment]
    where = (wallet, tmp_path, "http://market", tmp_path / "copy", None, 0.05, print)
    with pytest.raises(BadMeterName, match="a meter is called did:key"):
        await run_agent(*where, use_compiled=False, meters=["did:web:meter"])
