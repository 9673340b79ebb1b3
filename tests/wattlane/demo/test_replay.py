"""A replay goes through the day in order: all are read, then all pay, then what else happens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from channels.errors import CommandFailed
from tests.wattlane.demo.market_days import planned
from wattlane.demo import homes as homes_module
from wattlane.demo import replay as replay_module
from wattlane.demo.homes import GaveUp, Home, patiently
from wattlane.demo.plan import Plan
from wattlane.demo.replay import replay

PLAN: Plan = planned(4, (10, 12))
READINGS = len(PLAN.timeline.times_ms)
INTERVALS = len(PLAN.timeline.intervals)


class _Household:
    """Notes what it is asked, a moment late each time."""

    def __init__(self, name: str, said: list[tuple[str, str]]) -> None:
        self._name, self._said = name, said

    async def read(self) -> None:
        await asyncio.sleep(0)
        self._said.append(("reads", self._name))

    async def pay(self) -> list[float]:
        await asyncio.sleep(0)
        self._said.append(("pays", self._name))
        return [1.5, 2.5]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_module, "TARGET_SECONDS", 0.0)
    monkeypatch.setattr(homes_module, "READY_PAUSE_S", 0.001)


async def test_nobody_pays_before_all_are_read() -> None:
    said: list[tuple[str, str]] = []
    street = {name: _Household(name, said) for name in PLAN.homes}
    day = await replay(PLAN, street, lambda *_: None, {})
    count = len(PLAN.homes)
    steps = [said[at : at + 2 * count] for at in range(0, len(said), 2 * count)]
    assert len(steps) == READINGS
    for step in steps:
        assert sorted(step[:count]) == sorted(("reads", name) for name in PLAN.homes)
        assert sorted(step[count:]) == sorted(("pays", name) for name in PLAN.homes)
    assert sorted(day.latencies_ms) == [1.5] * count * READINGS + [2.5] * count * READINGS


async def test_events_happen_between_intervals_once_all_is_paid() -> None:
    said: list[tuple[str, str]] = []
    street = {name: _Household(name, said) for name in PLAN.homes}

    async def note() -> None:
        said.append(("event", ""))

    async def leave() -> None:
        del street["h17"]

    events = {0: note, 2: leave, INTERVALS: note}
    await replay(PLAN, street, lambda *_: None, events)
    readings_in_two = PLAN.timeline.times_ms.index(PLAN.timeline.intervals[2].start_ms)
    assert said.count(("reads", "h17")) == said.count(("pays", "h17")) == readings_in_two + 1
    assert said.count(("reads", "h02")) == READINGS
    places = [place for place, (what, _) in enumerate(said) if what == "event"]
    assert places == [2 * len(PLAN.homes), len(said) - 1]


async def test_what_time_does_not_cure_is_not_waited_for() -> None:
    async def refused() -> float:
        raise CommandFailed("BadPayment", "0 Wh")

    with pytest.raises(CommandFailed, match="BadPayment"):
        await patiently("a payment", refused)


async def test_patience_ends() -> None:
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
