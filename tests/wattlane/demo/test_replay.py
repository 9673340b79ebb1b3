"""When homes top up, and that a replay goes through the day in order and waits where it must."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from channels.control_client import ControlClient, Paid
from channels.errors import CommandFailed
from protocol.units import amount_ntok
from wattlane.demo import homes as homes_module
from wattlane.demo import replay as replay_module
from wattlane.demo.homes import GaveUp, Home, patiently
from wattlane.demo.plan import Plan, plan_day
from wattlane.demo.replay import replay, top_up_place
from wattlane.readings import DEFAULT_DAY, PREFERRED_HOMES, built_in_street

PLAN: Plan = plan_day(built_in_street(PREFERRED_HOMES[:4], DEFAULT_DAY, (6, 9)), 200_000)


def test_top_ups_come_before_any_payment_exceeds_what_open_brought() -> None:
    place = top_up_place(PLAN)
    left = {(one.opener, one.peer): one.first_deposit_ntok for one in PLAN.channels}
    for interval in PLAN.intervals[:place]:
        for trade in interval.trades:
            paid = amount_ntok(trade.energy_wh, PLAN.price_utok_per_kwh)
            way, back = (trade.buyer, trade.seller), (trade.seller, trade.buyer)
            left[way] = left.get(way, 0) - paid
            left[back] = left.get(back, 0) + paid
            assert left[way] >= 0
    assert place < len(PLAN.intervals)


class _Node:
    """A node that records what it is told, and is not ready the first time."""

    def __init__(self, name: str, said: list[tuple[str, int, int, str | None]]) -> None:
        self._name, self._said, self._is_ready = name, said, False

    async def pay(
        self,
        channel_id: int,
        *,
        energy_wh: int,
        price_utok_per_kwh: int,
        payment_id: str | None = None,
    ) -> Paid:
        if not self._is_ready:
            self._is_ready = True
            raise CommandFailed("ChannelNotFinal", "wait for it")
        self._said.append((self._name, channel_id, energy_wh, payment_id))
        return Paid(0, energy_wh * price_utok_per_kwh, 1.5, payment_id or "")


def _home(name: str, node: _Node) -> Home:
    wallet, client = cast(Any, None), cast(Any, None)
    home = Home(name, wallet, client, node=cast(ControlClient, node))
    home.channels = {other: hash((name, other)) for other in PLAN.homes}
    return home


async def test_each_matched_quantity_is_paid_once_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replay_module, "TARGET_SECONDS", 0.2)
    monkeypatch.setattr(homes_module, "READY_PAUSE_S", 0.001)
    said: list[tuple[str, int, int, str | None]] = []
    street = {name: _home(name, _Node(name, said)) for name in PLAN.homes}
    happened: list[int] = []

    async def note() -> None:
        happened.append(len(said))

    day = await replay(PLAN, street, lambda *_: None, {0: note, len(PLAN.intervals): note})
    expected = [
        (trade.buyer, street[trade.buyer].channels[trade.seller], trade.energy_wh, f"{i}.{n}")
        for i, interval in enumerate(PLAN.intervals)
        for n, trade in enumerate(interval.trades)
    ]
    assert sorted(said, key=str) == sorted(expected, key=str)
    places = [int((one[3] or "").split(".")[0]) for one in said]
    assert places == sorted(places)
    assert day.latencies_ms == [1.5] * len(expected)
    assert happened == [0, len(expected)]


async def test_what_time_does_not_cure_is_not_waited_for() -> None:
    async def refused() -> float:
        raise CommandFailed("BadPayment", "0 Wh")

    with pytest.raises(CommandFailed, match="BadPayment"):
        await patiently("a payment", refused)


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(homes_module, "READY_PAUSE_S", 0.001)

    async def not_yet() -> float:
        raise CommandFailed("OverCapacity", "top up first")

    with pytest.raises(GaveUp, match="a payment: OverCapacity"):
        await asyncio.wait_for(patiently("a payment", not_yet, timeout_s=0.05), 120)


def test_a_home_whose_process_is_gone_cannot_be_commanded(tmp_path: Path) -> None:
    home = Home("h17", cast(Any, None), cast(Any, None))
    with pytest.raises(GaveUp, match="h17: its process does not run"):
        _ = home.running
    with pytest.raises(GaveUp, match="no channel"):
        home.channel_with("h02")
