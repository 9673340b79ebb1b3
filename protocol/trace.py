"""What execution needs to know of L1, and what it leaves behind for circuit, data and L1.

A trace holds exactly the leaf updates that a slot made, in the order in which they were made.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.queue import QueueOp
from protocol.state import AccountUpdate, ChannelUpdate
from protocol.transactions import Transaction
from protocol.units import DOMAIN_BITS, TIME_BITS, check_range


@dataclass(frozen=True, slots=True)
class Context:
    """What L1 says about a batch: the rollup's domain, its time, the time its queue is covered."""

    domain: int
    l1_time: int
    queue_covered: int

    def __post_init__(self) -> None:
        check_range("domain", self.domain, DOMAIN_BITS)
        check_range("l1_time", self.l1_time, TIME_BITS)
        check_range("queue_covered", self.queue_covered, TIME_BITS)

    def element(self) -> int:
        """domain + l1_time 2^128 + queue_covered 2^168, as the proof's public input."""
        return self.domain + (self.l1_time << 128) + (self.queue_covered << 168)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Money that leaves to L1."""

    l1_address: int
    amount_ntok: int

    def element(self) -> int:
        """address + amount 2^160; 0 for an amount of 0."""
        return self.l1_address + (self.amount_ntok << 160) if self.amount_ntok else 0


@dataclass(frozen=True, slots=True)
class UserTrace:
    """What one user slot did: its leaf updates in order, its data element, its fee.

    account_1 is the signer, sender or A; account_2 the recipient or B. None: not touched.
    """

    transaction: Transaction
    slot: int
    account_1: AccountUpdate | None
    account_2: AccountUpdate | None
    channel: ChannelUpdate | None
    data_element: int
    fee_ntok: int
    withdrawal: Withdrawal | None


@dataclass(frozen=True, slots=True)
class QueueTrace:
    """What one queue slot did: its leaf updates in order, what it paid out. A no-op
    (`applied` is False) has read what decided that.

    account_1 is the op's account, the side's of a FORCED_START_CLOSE, A of a FORCED_FINALIZE, whose
    account_2 is B. None: not touched, as those of a channel that is not there.
    """

    op: QueueOp
    account_1: AccountUpdate | None
    account_2: AccountUpdate | None
    channel: ChannelUpdate | None
    applied: bool
    withdrawal: Withdrawal | None
