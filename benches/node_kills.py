"""SIGKILL of payer and payee among payments, 200 times, and simulated power cuts at every write.

python -m benches.node_kills [--kills 200] [--seed text]

Two homes as real processes, their stores with full sync; who is killed, and when, is drawn anew
each time. After each kill both homes' files are compared with every acknowledgement that was ever
given; at the end every payment that was asked for is made exactly once. Then the power is cut
between any two writes of either side's disk, as tests/channels/test_store_crashes.py does.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path
from unittest import mock

from benches.figures import Figure, at_least, at_most, beside, emit
from channels import store as store_module
from channels.books import read_books
from protocol.channels import lane_paid_ntok
from protocol.units import DAY_S
from tests.channels.homes import introduce, running
from tests.channels.rollup import Rollup, serving
from tests.channels.storm import DEPOSIT_NTOK, PRICE, Ledger, check_books, new_home, storm
from tests.channels.test_store_crashes import CRASHES, PAYMENTS, simulate

COMMAND = "python -m benches.node_kills"
PAYMENTS_A_PAYER = 200


async def kills(number: int, seed: str) -> list[Figure]:
    """Kill that often. Raises AssertionError at the first voucher lost or in conflict."""
    rng, ledger, done = random.Random(seed), Ledger(), 0
    with tempfile.TemporaryDirectory() as name:
        async with serving(Rollup()) as rollup:
            payer, payee = (new_home(index, rollup, Path(name)) for index in (0, 1))
            async with running(payer, payee):
                channel_id, _ = await payer.node.open_channel(
                    1, deposit_ntok=DEPOSIT_NTOK, window_s=DAY_S
                )
                await payer.node.ready(channel_id)
                while done < number:
                    victims = rng.choice(([payer], [payee], [payer, payee]))
                    await storm(
                        *(payer, payee, channel_id, victims, ledger, rng, str(done)),
                        most=PAYMENTS_A_PAYER,
                    )
                    await introduce(payer, payee)
                    done += len(victims)
                    if done % 20 < len(victims):
                        print(f"{done} kills, {len(ledger.acknowledged)} acknowledged", flush=True)
                for payment_id, energy_wh in list(ledger.asked.items()):
                    while payment_id not in ledger.acknowledged:
                        await ledger.pay(payer, channel_id, payment_id, energy_wh)
                books = read_books(payer.folder), read_books(payee.folder)
        check_books(*books, ledger)
        paid_ntok = lane_paid_ntok(books[1].channels[0].state.received_lane)
        assert paid_ntok == PRICE * sum(ledger.asked.values()), "each payment counts once"
    return [
        at_least("kill -9 of payer and payee among payments", done, 200, "kills", COMMAND),
        beside("vouchers acknowledged among them", len(ledger.acknowledged), "vouchers", COMMAND),
        at_most("acknowledged vouchers lost in them", 0, 0, "vouchers", COMMAND),
        at_most("vouchers in conflict after them", 0, 0, "vouchers", COMMAND),
    ]


def cuts() -> list[Figure]:
    """Simulated power cuts. Raises AssertionError at the first promise lost."""
    small = mock.patch.multiple(store_module, WAL_PAGES=24, SLACK=10)
    with small, tempfile.TemporaryDirectory() as name:
        found = simulate(Path(name), PAYMENTS)
    steps = sum(found.steps)
    return [
        at_least("simulated power cuts, at every write", found.crashes, CRASHES, "cuts", COMMAND),
        beside("steps of both sides' disks between which they fell", steps, "steps", COMMAND),
        at_most("acknowledged vouchers lost in power cuts", 0, 0, "vouchers", COMMAND),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", default=str(time.time_ns()))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    emit(asyncio.run(kills(given.kills, given.seed)))
    emit(cuts())


if __name__ == "__main__":
    main()
