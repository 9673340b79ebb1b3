"""A million payments through one store: its files stay below a megabyte, its log is bounded.

python -m benches.node_storage [--payments 1000000]

The real store with full sync and group commit; 250 payments wait at a time, as from as many
payers. Signatures are left out (one voucher's is used for all of a lane): they are of equal
length, and not what is measured. Half of the payments go each way; those out are acknowledged.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from benches.figures import at_most, beside, emit
from channels.records import Direction, SaveLeaf
from channels.store import WAL_BYTES
from protocol.channels import lane_paid_ntok
from protocol.units import DAY_S
from tests.channels.many_payments import CHANNEL, Payer, open_store, pay
from tests.channels.street import ann

COMMAND = "python -m benches.node_storage"
LIMIT_BYTES = 1_000_000


async def measure(payments: int) -> None:
    """Pay, and print what the files are then."""
    payers = Payer(Direction.OUT), Payer(Direction.IN)
    with tempfile.TemporaryDirectory() as name:
        with open_store(Path(name)) as store:
            await store.write(SaveLeaf(ann(CHANNEL)))
            began, largest = time.perf_counter(), 0
            for tenth in range(1, 11):
                largest = max(largest, await pay(store, payers, payments // 10))
                size = store.path.stat().st_size
                print(f"{tenth * payments // 10} payments: {size} bytes", flush=True)
            took_s = time.perf_counter() - began
            kept = sum(bill.amount_ntok for _, bill in store.bills())
            kept += sum(one.amount_ntok for one in store.totals() if one.span_s == DAY_S)
            paid = sum(lane_paid_ntok(payer.lane_value) for payer in payers)
            assert kept == paid, "each payment counts once"
        size = _size(Path(name))
    emit(
        [
            at_most(f"files after {payments:,} updates", size, LIMIT_BYTES, "bytes", COMMAND),
            at_most("largest write-ahead log on the way", largest, 2 * WAL_BYTES, "bytes", COMMAND),
            beside("updates a second through the store", payments / took_s, "/s", COMMAND),
        ]
    )


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=1_000_000)
    asyncio.run(measure(parser.parse_args().payments))


if __name__ == "__main__":
    main()
