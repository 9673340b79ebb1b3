"""A month's bill: the journal computed again, the bill made, written and read, and its PDF.

    python -m benches.market_bill [days, default 30]

Three homes trade in every quarter of an hour: the buyer's bill has a line for each trade, each fee,
and what the grid adds. Readings, orders and the chain of the journal are signed as ever, and every
signature, clearing and settlement is checked. One core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from benches.figures import beside, emit
from energy.bills.bill import Records, make_bill
from energy.bills.bill_file import decode_bill, encode_bill
from energy.bills.journal_records import read_records
from energy.bills.month import Month
from energy.bills.pdf_file import bill_pdf
from energy.community.rules import Side
from energy.market.entries import following
from tests.energy.bills.street_files import fees_community
from tests.energy.community.streets import START_MS
from tests.energy.market.journals import KEY
from tests.energy.market.street import NOTHING_YET, Street, quarter

QUARTERS = 96
JUNE = Month(2026, 6)
_T = TypeVar("_T")


def street(days: int) -> Street:
    """A journal of so many days, all traded and settled."""
    made = Street(fees_community())
    made.begin()
    for home, side, limit in (
        (1, Side.SELL, 100_000),
        (2, Side.SELL, 100_000),
        (3, Side.BUY, None),
    ):
        made.put(made.order(home, side, limit), START_MS)
    made.read_all(quarter(0), NOTHING_YET)
    for number in range(1, days * QUARTERS + 1):
        flows = {1: (0, 100), 2: (0, 50), 3: (200, 0)}
        registers = {home: (i * number, e * number) for home, (i, e) in flows.items()}
        made.read_all(quarter(number), registers)
        made.make_due(quarter(number))
    return made


def timed(work: Callable[[], _T]) -> tuple[float, _T]:
    """Seconds, and what came of them."""
    start = perf_counter()
    found = work()
    return perf_counter() - start, found


def main() -> None:
    """Run them."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    command = f"python -m benches.market_bill {days}"
    entries = street(days).entries
    fold_s, journal = timed(lambda: read_records(following(entries, KEY.public)))
    assert journal.fault is None
    records = Records(journal.history, journal.head, journal.settled, journal.clearings)
    make_s, bill = timed(lambda: make_bill(records, 3, JUNE))
    file_s, again = timed(lambda: decode_bill(encode_bill(bill)))
    assert again == bill
    pdf_s, pdf = timed(lambda: bill_pdf(bill))
    print(f"{days} days, {len(entries)} entries, {len(bill.lines)} lines")
    print(f"file {len(encode_bill(bill)):,} bytes, PDF {len(pdf):,} bytes")
    emit(
        [
            beside(f"journal of {days} days of 3 homes, computed again", fold_s, "s", command),
            beside(f"bill of {len(bill.lines)} lines, made", make_s, "s", command),
            beside("the bill's file, written and read", file_s, "s", command),
            beside("the bill's PDF", pdf_s, "s", command),
        ]
    )


if __name__ == "__main__":
    main()
