"""What a bill asks of L1: the batches that settled a home's channels, and whether they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from contracts.reader import RollupReader
from energy.bills.bill import Bill
from energy.bills.lines import Paid
from energy.bills.verify import Looked
from wattlane.channels_on_l1 import channels_on_l1
from wattlane.l1_record import L1Record, read_record
from wattlane.verify_batch import BY_ARKWORKS, Passed, verify


@dataclass(frozen=True, slots=True)
class OnL1:
    """A rollup's record on L1, and how many of its batches are final."""

    record: L1Record
    final: int


def read_l1(reader: RollupReader) -> OnL1:
    """Read a rollup's record. Raises as `read_record`."""
    block = reader.final_block()  # before the record, which then has all that is final in it
    record = read_record(reader)
    return OnL1(record, sum(one.block_number <= block.number for one in record.batches))


def looked(
    l1: OnL1, account: int, batches: int | None, progress: Callable[[str, int, int], None]
) -> Looked:
    """What the final batches have of an account's channels, up to `batches` of them."""
    count = min(l1.final, batches or l1.final)

    def tell(done: int) -> None:
        progress("L1's batches, replayed", done, count)

    return channels_on_l1(l1.record, account, count, tell)


def cited_batches(bill: Bill) -> list[int]:
    """The batches that its lines and their channels name, in order."""
    paying = {one.payment.channel_id for one in bill.lines if one.payment.how is Paid.VOUCHER}
    cited = {one.payment.batch for one in bill.lines}
    for reckoning in bill.reckonings:
        for channel in reckoning.channels:
            if channel.channel_id in paying:
                cited |= {channel.opened, channel.ended}
    return sorted(cited - {0})


def check_batches(bill: Bill, l1: OnL1) -> Iterator[Passed]:
    """Check the cited batches from L1 as `verify-batch` does; each check that holds.

    Their proofs by py_arkworks alone: every home of a street checks the same ones, and py_ecc takes
    seconds for each. Raises VerificationFailed.
    """
    cited = cited_batches(bill)
    return verify(l1.record, cited, (BY_ARKWORKS,)) if cited else iter(())
