"""Where the time of a payment goes: CPU by stage on both sides, and what it waits for.

    python -m benches.node_profile [--payments 5000] [--payers 100]

The run of benches.node_payments with every stage timed (which itself costs a little).
"""

from __future__ import annotations

import argparse
import asyncio
import os
from statistics import mean

from benches.node_payments import CHANNELS, DEPOSIT_NTOK, street
from benches.node_process import HomeProcess, warm_up
from benches.node_stages import CPU_STAGES, DISK


async def _stages(home: HomeProcess) -> tuple[dict[str, float], dict[str, list[float]]]:
    found: tuple[dict[str, float], dict[str, list[float]]] = await home.ask("stages")
    return found


async def measure(payments: int, payers: int) -> None:
    """Run and print."""
    warm_up()
    async with street(2, is_profiled=True) as homes:
        payer, payee = homes
        await payer.ask("add_peer", 1, await payee.ask("where"))
        channels = await payer.ask("open", 1, CHANNELS, DEPOSIT_NTOK)
        await payer.ask("pay", channels, payers, 10 * payers)
        for home in homes:
            await _stages(home)
        before_s = [home.cpu_s() for home in homes]
        latencies, _, took_s = await payer.timed("pay", channels, payers, payments)
        spent_s = [home.cpu_s() - before for home, before in zip(homes, before_s, strict=True)]
        found = [await _stages(home) for home in homes]
    rate, load = payments / took_s, os.getloadavg()[0]
    print(f"{payments} payments, {payers} payers, {rate:.0f}/s, load {load:.1f}")
    print(f"{'CPU us a payment':<28}{'payer':>8}{'payee':>8}")
    for stage in CPU_STAGES:
        _row(stage, [cpu.get(stage, 0.0) for cpu, _ in found], payments)
    known_s = [sum(cpu.values()) for cpu, _ in found]
    rest_s = [all_s - known for all_s, known in zip(spent_s, known_s, strict=True)]
    _row("event loop, tasks, rounds", rest_s, payments)
    _row("all", spent_s, payments)
    own, other = (1e3 * mean(waits[DISK]) for _, waits in found)
    print(
        f"of {mean(latencies):.1f} ms from the call to the acknowledgement: "
        f"{own:.1f} until the payer's disk has it, {other:.1f} until the payee's has, "
        f"{mean(latencies) - own - other:.1f} in queues, code and wire"
    )


def _row(name: str, seconds: list[float], payments: int) -> None:
    print(f"{name:<28}" + "".join(f"{1e6 * one / payments:8.0f}" for one in seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=5_000)
    parser.add_argument("--payers", type=int, default=100)
    given = parser.parse_args()
    asyncio.run(measure(given.payments, given.payers))


if __name__ == "__main__":
    main()
