"""What a node takes to L1 itself, before L1 has given it a number and a time.

Each names what it wants done, whoever does it: the same want is recognised in L1's queue, so that
nobody pays twice for one effect. Ref: docs/protocol.md section 4, "L1 queue".
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.channels import Lane
from protocol.queue import ForcedClaim, ForcedFinalize, ForcedStartClose, QueueOp
from protocol.vouchers import Voucher

EPOCH_SHIFT = 64
"""A channel id's epoch stands above both account numbers."""


@dataclass(frozen=True, slots=True)
class WantClaim:
    """A voucher to be claimed. Anyone may ask for it."""

    slot: int
    voucher: Voucher

    @property
    def channel_id(self) -> int:
        """The channel's id."""
        return self.voucher.channel_id

    @property
    def key(self) -> str:
        """Names the want, the same in every process."""
        voucher = self.voucher
        return f"claim:{voucher.channel_id:x}:{int(voucher.lane)}:{voucher.lane_value:x}"

    def is_met_by(self, op: QueueOp, l1_address: int) -> bool:
        """Whether a queue op carries this very voucher.

        Not merely an equal value: another signature might not verify.
        """
        voucher = self.voucher
        return (
            isinstance(op, ForcedClaim)
            and (op.slot, op.epoch) == (self.slot, voucher.channel_id >> EPOCH_SHIFT)
            and op.lane is voucher.lane
            and op.lane_value == voucher.lane_value
            and op.signature == voucher.signature
        )


@dataclass(frozen=True, slots=True)
class WantStartClose:
    """A close to be started by `side`. Only that side's L1 address may ask for it."""

    slot: int
    channel_id: int
    side: Lane

    @property
    def key(self) -> str:
        """Names the want, the same in every process."""
        return f"start_close:{self.channel_id:x}"

    def is_met_by(self, op: QueueOp, l1_address: int) -> bool:
        """Whether a queue op of this sender's does this."""
        return (
            isinstance(op, ForcedStartClose)
            and (op.slot, op.epoch) == (self.slot, self.channel_id >> EPOCH_SHIFT)
            and (op.side, op.sender) == (self.side, l1_address)
        )


@dataclass(frozen=True, slots=True)
class WantFinalize:
    """A channel to be ended, past its deadline. Anyone may ask for it."""

    slot: int
    channel_id: int
    deadline: int

    @property
    def key(self) -> str:
        """Names the want, the same in every process."""
        return f"finalize:{self.channel_id:x}:{self.deadline:x}"

    def is_met_by(self, op: QueueOp, l1_address: int) -> bool:
        """Whether a queue op does this: enqueued at or after the deadline."""
        return (
            isinstance(op, ForcedFinalize)
            and (op.slot, op.epoch) == (self.slot, self.channel_id >> EPOCH_SHIFT)
            and op.enqueue_time >= self.deadline
        )


Wanted = WantClaim | WantStartClose | WantFinalize


@dataclass(frozen=True, slots=True)
class SignedL1:
    """An L1 transaction, signed and ready: sending the same bytes twice is one transaction."""

    transaction_hash: str
    raw: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class ForcedRecord:
    """What was signed for a want. `op_number`: its place in the queue once that was seen.

    `signed_at`: L1 time (seconds) of the newest block at signing. `is_void`: L1 has processed the
    op and it changed nothing, so that paying for it again would not either.
    """

    key: str
    signed: SignedL1
    signed_at: int
    op_number: int | None = None
    is_void: bool = False
