"""The day itself: meters advance, and each matched quantity is one voucher from buyer to seller.

Intervals come in order; all payments of one are under way at once, and the next begins when they
are acknowledged. The clock is accelerated and waits where a channel or a top-up is not final yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from protocol.units import amount_ntok
from wattlane.demo.homes import Home, patiently
from wattlane.demo.plan import Plan
from wattlane.matching import Trade

TARGET_SECONDS = 75.0
SECONDS_AN_INTERVAL = 0.5
"""A replay takes the first, or so much an interval if that is less; waiting comes on top."""
TOP_UP_SHARE = 4
"""Homes top up when the first channel has used this part of what OPEN brought."""

Shown = Callable[[float, str], None]


@dataclass(slots=True)
class Day:
    """What the replay measured."""

    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0


def top_up_place(plan: Plan) -> int:
    """The interval before which homes top up: the first channel has used a part of its deposit,
    or a payment would exceed what OPEN brought.
    """
    first = {(one.opener, one.peer): one.first_deposit_ntok for one in plan.channels}
    left = dict(first)
    for place, interval in enumerate(plan.intervals):
        for trade in interval.trades:
            way, back = (trade.buyer, trade.seller), (trade.seller, trade.buyer)
            paid = amount_ntok(trade.energy_wh, plan.price_utok_per_kwh)
            left[way] = left.get(way, 0) - paid
            left[back] = left.get(back, 0) + paid
            used = first.get(way, 0) - left[way]
            if left[way] < 0 or used * TOP_UP_SHARE >= first.get(way, 0) > 0:
                return place
    return len(plan.intervals)


async def replay(
    plan: Plan,
    homes: Mapping[str, Home],
    shown: Shown,
    at: Mapping[int, Callable[[], Awaitable[None]]],
) -> Day:
    """Run the day. `at`: what else happens, just before the interval of that place (or after the
    last one, at the place after it).

    Raises CommandFailed, NodeNotRunning, GaveUp.
    """
    day, started = Day(), time.monotonic()
    pace_s = min(TARGET_SECONDS / len(plan.intervals), SECONDS_AN_INTERVAL)
    begun = asyncio.get_running_loop().time()
    for place, interval in enumerate(plan.intervals):
        if place in at:
            await at[place]()
        await asyncio.gather(
            *(_pay(plan, homes, day, place, number, trade)
              for number, trade in enumerate(interval.trades))
        )  # fmt: skip
        shown(place + 1, f"{interval.end:%H:%M}, {len(day.latencies_ms)} vouchers")
        begun = max(begun + pace_s, asyncio.get_running_loop().time() - pace_s)
        await asyncio.sleep(max(begun - asyncio.get_running_loop().time(), 0))
    if len(plan.intervals) in at:
        await at[len(plan.intervals)]()
    day.seconds = time.monotonic() - started
    return day


async def _pay(
    plan: Plan, homes: Mapping[str, Home], day: Day, place: int, number: int, trade: Trade
) -> None:
    """One voucher. The id makes a repeated attempt the same payment."""
    buyer = homes[trade.buyer]
    channel_id, payment_id = buyer.channel_with(trade.seller), f"{place}.{number}"
    pay = partial(
        buyer.running.pay,
        channel_id,
        energy_wh=trade.energy_wh,
        price_utok_per_kwh=plan.price_utok_per_kwh,
        payment_id=payment_id,
    )
    paid = await patiently(f"{trade.buyer} pays {trade.seller}", pay)
    day.latencies_ms.append(paid.latency_ms)
