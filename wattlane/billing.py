"""Where a home's bill comes from: its node's books, its meters, its copy of the journal, and L1.

The files may belong to running processes; all are only read. What asks L1 is in bill_on_l1.py, and
is loaded where it is asked alone: most bills are followed without it. Ref: energy/bills.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from channels.books import Books, read_books
from energy.bills.bill import Bill, Records, make_bill
from energy.bills.bill_file import MOST_BYTES, decode_bill
from energy.bills.journal_records import JournalRecords, read_records, started
from energy.bills.month import Month, month_of
from energy.bills.node_records import own_channels, paid_channels
from energy.bills.own_files import OwnFiles, OwnReadings
from energy.bills.reckoning import PaidChannel
from energy.bills.verify import Followed, Looked, verify_bill
from energy.market.journal import read_journal
from energy.meters.store import MeterStore
from wattlane.errors import BadChoice

if TYPE_CHECKING:
    from wattlane.bill_on_l1 import OnL1

Progress = Callable[[str, int, int], None]
"""Told a stage, how much of it is done, and how much there is."""


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """Tells nobody."""


def read_copy(
    journal: Path,
    domain: int | None,
    up_to: int | None = None,
    progress: Progress = _quiet,
) -> JournalRecords:
    """Compute a copy of a journal again. Raises JournalUnusable, JournalBroken, JournalEndsBefore,
    AnotherRollup, NoCommunityYet.
    """
    _, entries = read_journal(journal)

    def tell(count: int) -> None:
        progress("the journal, computed again", count, up_to or count + 1)

    return read_records(entries, domain, up_to, tell)


def home_bill(
    folder: Path,
    journal: Path,
    month: Month | None = None,
    l1: OnL1 | None = None,
    progress: Progress = _quiet,
    looked: Looked | None = None,
) -> tuple[Bill, JournalRecords]:
    """The bill of the home whose node is in `folder`; without a month, of the last one settled.

    `looked`: what L1 has of its channels, where that is known without asking `l1`. With the journal
    that it follows from. Raises what reading its files raises, NothingToBill, and
    BadChoice where nothing was settled at all.
    """
    books = read_books(folder)
    copy = read_copy(journal, books.owner.domain, progress=progress)
    if not copy.settled:
        raise BadChoice(f"nothing was settled up to entry {copy.head.place} of the journal")
    last_ms = copy.settled[-1].settlement.interval.start_ms
    chosen = month or month_of(last_ms, copy.community.zone_info)
    looked = looked or _looked(l1, books, None, progress)
    return make_bill(_records(copy, books, looked), books.owner.account_index, chosen), copy


def follow_bill(
    bill: Bill,
    folder: Path,
    journal: Path,
    meters: Sequence[Path],
    l1: OnL1 | None = None,
    progress: Progress = _quiet,
) -> Followed:
    """Recompute a bill from a home's own files, and with L1 its batches.

    Raises LineDoesNotFollow for the first line that does not follow, BillDoesNotFollow, and what
    reading the files raises.
    """
    books = read_books(folder)
    if bill.home != books.owner.account_index:
        own = books.owner.account_index
        raise BadChoice(f"the bill is of account {bill.home}, {folder} is the home of {own}")
    copy = read_copy(journal, books.owner.domain, bill.head.place, progress)
    readings = _own_readings(meters)
    evidence = OwnFiles(bill.home, copy, readings, own_channels(books))
    looked = _looked(l1, books, bill.batches or None, progress) if bill.batches else None
    return verify_bill(bill, _records(copy, books, looked), evidence, looked)


def read_bill(file: Path) -> Bill:
    """A bill's file. Raises BadDocument, OSError."""
    if file.stat().st_size > MOST_BYTES:
        raise BadChoice(f"{file} is larger than any bill")
    return decode_bill(file.read_bytes())


def _looked(
    l1: OnL1 | None, books: Books, batches: int | None, progress: Progress
) -> Looked | None:
    if l1 is None:
        return None
    from wattlane.bill_on_l1 import looked

    return looked(l1, books.owner.account_index, batches, progress)


def _records(copy: JournalRecords, books: Books, looked: Looked | None) -> Records:
    own = [started(one, copy.starts) for one in paid_channels(books)]
    channels = _with_l1(own, looked.channels if looked else ())
    return Records(
        copy.history,
        copy.head,
        copy.settled,
        copy.clearings,
        channels,
        looked.batches if looked else 0,
    )


def _with_l1(own: Sequence[PaidChannel], on_l1: Iterable[PaidChannel]) -> list[PaidChannel]:
    known = {one.channel_id: one for one in on_l1}
    return [
        replace(
            one,
            on_l1=known[one.channel_id].on_l1,
            opened=known[one.channel_id].opened,
            ended=known[one.channel_id].ended,
        )
        if one.channel_id in known
        else one
        for one in own
    ]


def _own_readings(folders: Sequence[Path]) -> OwnReadings:
    with ExitStack() as stack:
        stores = [stack.enter_context(MeterStore.for_reading(one)) for one in folders]
        corrections = [made for store in stores for made in store.corrections()]
        return OwnReadings([list(store.readings()) for store in stores], corrections)
