"""Payments between homes that are processes of their own, with full sync on.

    python -m benches.node_payments [--payments 10000] [--seconds 30] [--homes 50] [--repeat 3]

Two nodes, 10 channels, 100 concurrent payers: the shape of the public Lightning benchmark
(github.com/bottlepay/lightning-benchmark: eclair 89/s, c-lightning 61/s, lnd 33/s, there on 8
vCPU; cited, not run here). Then a row of homes that each pay the next one for a reading a second.
A latency runs from the call that signs to the payee's durable acknowledgement, as the node
measures it. A sync-off run follows only to show what the disk costs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benches import figures
from benches.node_process import ENERGY_WH, Given, HomeProcess, warm_up
from channels.books import read_books
from channels.wallet import Wallet
from protocol.channels import lane_wh
from tests.channels.home_process import PASSPHRASE
from tests.channels.rollup import Rollup, serving

DEPOSIT_NTOK = 10**12
CHANNELS, PAYERS = 10, 100
COMMAND = "python -m benches.node_payments"


@dataclass(frozen=True, slots=True)
class Measured:
    """Payments a second, latencies in ms (sorted), and CPU seconds of payer and payee."""

    rate: float
    latencies: list[float]
    payer_cpu_s: float = 0.0
    payee_cpu_s: float = 0.0

    def percentile(self, percent: float) -> float:
        """A latency in ms."""
        at = int(len(self.latencies) * percent / 100)
        return self.latencies[min(len(self.latencies) - 1, at)]

    def __str__(self) -> str:
        count = len(self.latencies)
        shown = f"{count} payments, {self.rate:.0f}/s; latency ms: " + ", ".join(
            f"p{percent:g} {self.percentile(percent):.1f}" for percent in (50, 90, 99, 100)
        )
        if self.payer_cpu_s:
            payer, payee = (1e3 * one / count for one in (self.payer_cpu_s, self.payee_cpu_s))
            shown += f"; CPU ms a payment: payer {payer:.2f} + payee {payee:.2f}"
            shown += f" = {payer + payee:.2f}"
        return f"{shown}; load {os.getloadavg()[0]:.1f}"


async def check_books(homes: list[HomeProcess], energy_wh: int) -> None:
    """Stop the homes; every payment is in a lane on both disks, and acknowledged, or SystemExit."""
    await asyncio.gather(*(asyncio.to_thread(home.stop) for home in homes))
    books = [read_books(home.given.folder) for home in homes]
    channels = [channel for one in books for channel in one.channels]
    paid = {one.state.channel_id: one.state.signed_lane for one in channels if one.state.signed}
    held = {one.state.channel_id: one.state.received_lane for one in channels if one.state.received}
    total_wh = sum(lane_wh(lane_value) for lane_value in paid.values())
    waiting = sum(len(one.outgoing) for one in channels)
    if paid != held or total_wh != energy_wh or waiting:
        raise SystemExit(f"the books differ: {paid} paid, {held} received, {waiting} waiting")


@asynccontextmanager
async def street(
    count: int, *, is_synced: bool = True, is_profiled: bool = False
) -> AsyncIterator[list[HomeProcess]]:
    """Homes as processes, on one rollup."""
    homes: list[HomeProcess] = []
    with tempfile.TemporaryDirectory() as name:
        rollup = Rollup()
        folders = [Path(name) / str(index) for index in range(count)]
        for index, folder in enumerate(folders):
            wallet, _ = await asyncio.to_thread(Wallet.create, folder, PASSPHRASE)
            address = int(wallet.l1_address, 16)
            rollup.add_account(index, wallet.key_hash, address, 100 * DEPOSIT_NTOK)
        async with serving(rollup):
            try:
                for folder in folders:
                    homes.append(HomeProcess(Given(folder, rollup.url, is_synced, is_profiled)))
                    await homes[-1].ask("where")  # one after the other: they share the cores
                yield homes
            finally:
                for home in homes:
                    home.kill()


async def two_nodes(payments: int, repeat: int, *, is_synced: bool = True) -> Measured:
    """10 channels between two nodes, 100 payers; the best of `repeat` runs."""
    async with street(2, is_synced=is_synced) as homes:
        payer, payee = homes
        await payer.ask("add_peer", 1, await payee.ask("where"))
        channels = await payer.ask("open", 1, CHANNELS, DEPOSIT_NTOK)
        found = []
        for _ in range(repeat):
            before_s = payee.cpu_s()
            latencies, cpu_s, took_s = await payer.timed("pay", channels, PAYERS, payments)
            payee_cpu_s = payee.cpu_s() - before_s
            found.append(Measured(payments / took_s, sorted(latencies), cpu_s, payee_cpu_s))
            print(f"  {'full sync' if is_synced else 'sync OFF'}: {found[-1]}", flush=True)
        await check_books(homes, repeat * payments * ENERGY_WH)
    return max(found, key=lambda one: one.rate)


async def many_homes(count: int, seconds: int, *, is_synced: bool = True) -> Measured:
    """A ring of homes; each pays the next one for a reading a second."""
    async with street(count, is_synced=is_synced) as homes:
        urls = [await home.ask("where") for home in homes]
        for index, home in enumerate(homes):
            peer = (index + 1) % count
            await home.ask("add_peer", peer, urls[peer])
        opened = [
            home.ask("open", (index + 1) % count, 1, DEPOSIT_NTOK)
            for index, home in enumerate(homes)
        ]
        channels = [channel_id for (channel_id,) in await asyncio.gather(*opened)]
        readings = [
            home.ask("read_meter", channel_id, seconds)
            for home, channel_id in zip(homes, channels, strict=True)
        ]
        latencies = [one for home in await asyncio.gather(*readings) for one in home]
        await check_books(homes, count * seconds * ENERGY_WH)
    measured = Measured(count, sorted(latencies))
    print(f"  {count} homes, {'full sync' if is_synced else 'sync OFF'}: {measured}", flush=True)
    return measured


async def measure(given: argparse.Namespace) -> None:
    """Run, print, and emit the figures."""
    warm_up()
    synced = await two_nodes(given.payments, given.repeat)
    loose = await two_nodes(given.payments, 1, is_synced=False)
    print(f"two nodes, {CHANNELS} channels, {PAYERS} payers, {given.payments} payments")
    print(f"{synced}; beside it, with sync OFF: {loose.rate:.0f}/s, p99 {loose.percentile(99):.1f}")
    found = [
        figures.at_least("node payments per second", synced.rate, 1_000, "payments/s", COMMAND),
        figures.at_most("node payment p99", synced.percentile(99), 100, "ms", COMMAND),
        figures.beside("node payments per second, sync OFF", loose.rate, "payments/s", COMMAND),
        figures.beside("node payment p99, sync OFF", loose.percentile(99), "ms", COMMAND),
    ]
    if given.homes:
        ring = await many_homes(given.homes, given.seconds)
        bare = await many_homes(given.homes, given.seconds, is_synced=False)
        name = f"{given.homes} homes, a reading a second, p99"
        found += [
            figures.at_most(name, ring.percentile(99), 250, "ms", COMMAND),
            figures.beside(f"{name}, sync OFF", bare.percentile(99), "ms", COMMAND),
        ]
    figures.emit(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--homes", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=30)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
