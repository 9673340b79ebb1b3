"""Payments between homes that are processes of their own, with full sync on.

python -m benches.channel_payments [--homes 4] [--seconds 20] [--rate 0] [--plain] [--concurrent 1]

Every home pays every other one over its own channel, all at once. A latency runs from the call
that signs to the payee's durable acknowledgement, first payments included, as the node measures
it. `--rate`: payments a second and channel (0: as fast as they are acknowledged).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from channels.books import read_books
from channels.records import Direction
from channels.wallet import Wallet
from protocol.units import DAY_S
from tests.channels.homes import PASSPHRASE, Home, running
from tests.channels.rollup import Rollup, serving

DEPOSIT_NTOK = 10**12
LIMIT_MS = 50.0


def _percentile(ordered: list[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


async def _pay_until(
    home: Home, channel_id: int, end: float, rate: float, latencies: list[float]
) -> None:
    while time.perf_counter() < end:
        began = time.perf_counter()
        paid = await home.node.pay(channel_id, energy_wh=5, price_utok_per_kwh=180_000)
        latencies.append(paid.latency_ms)
        if rate:
            await asyncio.sleep(max(0.0, began + 1 / rate - time.perf_counter()))


async def measure(given: argparse.Namespace) -> bool:
    """Run and print; whether p99 is within the limit and the books agree."""
    mode = "plain" if given.plain else "compiled"
    with tempfile.TemporaryDirectory() as name:
        rollup = Rollup()
        homes = []
        for index in range(given.homes):
            folder = Path(name) / str(index)
            wallet, _ = Wallet.create(folder, PASSPHRASE)
            address = int(wallet.l1_address, 16)
            rollup.add_account(index, wallet.key_hash, address, given.homes * DEPOSIT_NTOK * 2)
            homes.append(Home(index, folder, "", use_compiled=not given.plain))
        async with serving(rollup):
            for home in homes:
                home.url = rollup.url
            async with running(*homes):
                pairs = [
                    (home, await _open(home, other))
                    for home in homes
                    for other in homes
                    if home is not other
                ]
                await asyncio.gather(*(home.node.ready(one) for home, one in pairs))
                firsts = await asyncio.gather(
                    *(home.node.pay(one, energy_wh=1, price_utok_per_kwh=1) for home, one in pairs)
                )
                latencies: list[float] = []
                end = time.perf_counter() + given.seconds
                payers = [
                    _pay_until(home, one, end, given.rate, latencies)
                    for home, one in pairs
                    for _ in range(given.concurrent)
                ]
                began = time.perf_counter()
                await asyncio.gather(*payers)
                took_s = time.perf_counter() - began
            books = [read_books(home.folder) for home in homes]
    paid = sum(one.paid_ntok(Direction.OUT) for one in books)
    held = sum(one.paid_ntok(Direction.IN) for one in books)
    first_ms = sorted(one.latency_ms for one in firsts)
    ordered = sorted(latencies + first_ms)
    p99 = _percentile(ordered, 99)
    load = os.getloadavg()[0]
    print(f"{given.homes} homes, {len(pairs)} channels, {mode}, load {load:.1f}")
    print(f"payments {len(ordered)} in {took_s:.1f} s: {len(latencies) / took_s:.0f} /s")
    print(f"latency ms: p50 {_percentile(ordered, 50):.1f}, p99 {p99:.1f}, max {ordered[-1]:.1f}")
    print(f"first payments ms: {', '.join(f'{one:.1f}' for one in first_ms)}")
    print(f"books: paid {paid} ntok, received {held} ntok, {'equal' if paid == held else 'DIFFER'}")
    print(f"p99 {'within' if p99 <= LIMIT_MS else 'ABOVE'} {LIMIT_MS:g} ms")
    return p99 <= LIMIT_MS and paid == held


async def _open(home: Home, other: Home) -> int:
    channel_id, _ = await home.node.open_channel(
        other.index, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S
    )
    return channel_id


def main() -> int:
    """0 if the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--concurrent", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    return 0 if asyncio.run(measure(parser.parse_args())) else 1


if __name__ == "__main__":
    raise SystemExit(main())
