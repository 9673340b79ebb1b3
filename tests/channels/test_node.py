"""Two real nodes over WebSocket, a rollup with the real rules, and what goes wrong between them."""

from __future__ import annotations

import asyncio

from tests.channels.conftest import OpenNode
from tests.channels.rollup import FEE_NTOK, Rollup

DAY_S = 86_400


async def test_open_pay_both_ways_and_close(open_node: OpenNode, rollup: Rollup) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        ann.add_peer(1, ben.url)
        channel = await ann.open_channel(1, deposit_ntok=10_000, window_s=DAY_S)
        for number in range(1, 4):
            receipt = await channel.pay(energy_wh=5, price_utok_per_kwh=200)
            assert receipt.amount_ntok == 1_000
            assert ben.channel(channel.id).info.paid_in_ntok == number * 1_000
        back = await ben.channel(channel.id).pay(energy_wh=2, price_utok_per_kwh=250)
        assert back.amount_ntok == 500
        info = channel.info
        assert (info.paid_out_ntok, info.paid_in_ntok, info.energy_out_wh) == (3_000, 500, 15)
        assert info.spendable_ntok == 7_500
        await channel.close(timeout_s=120)
        assert channel.info.status == "closed"
        assert rollup.final.account(1).balance_ntok == 1_000_000 + 2_500
        assert rollup.final.account(0).balance_ntok == 1_000_000 - 2_500 - FEE_NTOK
        assert rollup.final.account(1).sold_wh == 15
        assert [one.amount_ntok for _, one in await ben.bills()] == [1_000, 1_000, 1_000, 500]
        await asyncio.sleep(0)
