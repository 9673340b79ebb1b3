"""Sums of a day and reports of flows, of real nodes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from channels import flow_desk, schema
from channels.control import ControlServer
from channels.control_client import ControlClient
from channels.days import load_spans
from channels.errors import BadFrame, CommandFailed
from channels.pruning import prune
from channels.schema import wide
from channels.wallet import Wallet
from protocol.flows import check_report
from protocol.units import DAY_S
from tests.channels.conftest import FAST, OpenNode
from tests.channels.rollup import DOMAIN, Rollup
from tests.channels.test_payments import until

HOUR_S = 3_600


async def test_a_day_is_summed_up_in_spans(open_node: OpenNode, tmp_path: Path) -> None:
    async with (
        open_node(0) as ann,
        open_node(1, peers={0: ann.url}) as ben,
        ControlServer.serving(ann, tmp_path),
        ControlClient.connect(tmp_path) as client,
    ):
        channel = await ann.open_channel(1, deposit_ntok=100_000, window_s=DAY_S)
        back = await ben.wait_channel(channel.id)
        for energy_wh in range(1, 11):
            await channel.pay(energy_wh=energy_wh, price_utok_per_kwh=10)
        await back.pay(energy_wh=7, price_utok_per_kwh=10)
        now = int(time.time())
        start_s = now - now % HOUR_S - 2 * HOUR_S
        spans = await client.spans(start_s, start_s + 4 * HOUR_S, HOUR_S)
        assert [one["start_s"] - start_s for one in spans] == [n * HOUR_S for n in range(4)]
        assert sum(one["bought_wh"] for one in spans) == 55
        assert sum(one["spent_ntok"] for one in spans) == 550
        assert sum(one["sold_wh"] for one in spans) == 7
        assert sum(one["payments"] for one in spans) == 11
        assert all(one["payments"] == 0 for one in spans[:1])
        for bad in ((start_s, start_s, 60), (start_s, start_s + DAY_S, 60), (0, DAY_S, 0)):
            with pytest.raises(CommandFailed) as raised:
                await client.spans(*bad)
            assert raised.value.reason_code == BadFrame.__name__


def test_what_was_pruned_still_counts() -> None:
    engine = create_engine("sqlite://")
    now = int(time.time())
    start_s = now - now % HOUR_S - 3 * HOUR_S
    bills = [
        {
            "payment_id": str(number),
            "channel_id": wide(7),
            "peer_index": 1,
            "direction": ("out", "in")[number % 2],
            "energy_wh": number,
            "amount_ntok": 10 * number,
            "price": "10",
            "lane_value": wide(number),
            "time_ms": 1_000 * (start_s + 600 * number),
            "is_acknowledged": True,
        }
        for number in range(18)
    ]
    with engine.connect() as connection:
        schema.metadata.create_all(connection)
        connection.execute(schema.channels.insert(), {"channel_id": wide(7), "side": 0})
        connection.execute(schema.bills.insert(), bills)
        asked = start_s, start_s + 4 * HOUR_S, HOUR_S
        before = load_spans(connection, *asked)
        prune(connection, 3)
        left = connection.scalar(text("SELECT COUNT(*) FROM bills"))
        assert left == 6
        assert load_spans(connection, *asked) == before
    assert [one.payments for one in before] == [6, 6, 6, 0]
    assert sum(one.bought_wh for one in before) == sum(range(0, 18, 2))
    assert sum(one.earned_ntok for one in before) == 10 * sum(range(1, 18, 2))


async def test_a_node_reports_flows_only_if_its_owner_wants(
    open_node: OpenNode, rollup: Rollup, wallets: list[Wallet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_desk, "EVERY_S", 0.02)
    telling = replace(FAST, publish_flows=True)
    async with open_node(0, settings=telling) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
        back = await ben.wait_channel(channel.id)
        await channel.pay(energy_wh=30, price_utok_per_kwh=10)
        await back.pay(energy_wh=5, price_utok_per_kwh=10)
        await until(lambda: any(one.lines[0].bought_wh == 30 for one, _ in rollup.flow_reports))
        count = len(rollup.flow_reports)
        rollup.is_down = True  # a report that fails is told again
        await channel.pay(energy_wh=12, price_utok_per_kwh=10)
        await asyncio.sleep(0.1)
        rollup.is_down = False
        await until(lambda: len(rollup.flow_reports) > count)
    times = [report.time for report, _ in rollup.flow_reports]
    assert times == sorted(set(times))
    assert rollup.flow_reports[-1][0].lines[0].bought_wh == 42
    for report, signature in rollup.flow_reports:
        assert report.account_index == 0  # ben has not chosen to be seen
        check_report(report, signature, DOMAIN, wallets[0].key_hash)
