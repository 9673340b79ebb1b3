"""The L1 queue: ops in order, each exactly once, each processable whatever it holds.

An op reaches the circuit as 7 elements and leaves an 8th, what it pays out; L1 chains the 7 and
the payer into a rolling hash. Ref: docs/protocol.md sections 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from eth_hash.auto import keccak

from protocol.channels import Lane, check_lane
from protocol.crypto.field import check_fr
from protocol.crypto.schnorr import Signature
from protocol.units import (
    ADDRESS_BITS,
    AMOUNT_BITS,
    INDEX_BITS,
    LANE_BITS,
    NONCE_BITS,
    TIME_BITS,
    check_range,
)

OP_ELEMENTS = 7
"""Elements that L1 puts into the queue slot's message; the 8th is the circuit's output."""

NO_OPS_HASH = bytes(32)
"""The rolling hash before the first op."""


class OpType(IntEnum):
    """The 8-bit type of a queue op; 0 marks an unused queue slot."""

    NONE = 0
    NEW_ACCOUNT = 1
    DEPOSIT = 2
    KEY_CHANGE = 3
    FORCED_EXIT = 4
    FORCED_START_CLOSE = 5
    FORCED_CLAIM = 6
    FORCED_FINALIZE = 7


def _head(op: OpType, index: int, enqueue_time: int, side: int = 0, epoch: int = 0) -> int:
    return int(op) + (index << 8) + (side << 32) + (enqueue_time << 40) + (epoch << 80)


def _check_place(number: int, enqueue_time: int) -> None:
    check_range("op number", number, AMOUNT_BITS)
    check_range("enqueue_time", enqueue_time, TIME_BITS)


def _check_channel(slot: int, epoch: int) -> None:
    check_range("slot", slot, INDEX_BITS)
    check_range("epoch", epoch, NONCE_BITS)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """The contract gave `index` to this key; credits the first deposit. Numbers start at 1."""

    TYPE: ClassVar[OpType] = OpType.NEW_ACCOUNT
    number: int
    enqueue_time: int
    index: int
    key_hash: int
    owner: int
    amount_ntok: int
    payer: int

    def __post_init__(self) -> None:
        _check_place(self.number, self.enqueue_time)
        check_range("index", self.index, INDEX_BITS)
        check_fr("key_hash", self.key_hash)
        check_range("owner", self.owner, ADDRESS_BITS)
        check_range("amount_ntok", self.amount_ntok, AMOUNT_BITS)
        check_range("payer", self.payer, ADDRESS_BITS)

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        head = _head(self.TYPE, self.index, self.enqueue_time)
        return (head, self.owner + (self.amount_ntok << 160), self.key_hash, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Deposit:
    """Credits an existing account; the contract checked that it exists and who owns it."""

    TYPE: ClassVar[OpType] = OpType.DEPOSIT
    number: int
    enqueue_time: int
    index: int
    amount_ntok: int
    payer: int

    def __post_init__(self) -> None:
        _check_place(self.number, self.enqueue_time)
        check_range("index", self.index, INDEX_BITS)
        check_range("amount_ntok", self.amount_ntok, AMOUNT_BITS)
        check_range("payer", self.payer, ADDRESS_BITS)

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        head = _head(self.TYPE, self.index, self.enqueue_time)
        return (head, self.payer + (self.amount_ntok << 160), 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """Another key for the account, if the sender is its l1_address: rotation, or recovery."""

    TYPE: ClassVar[OpType] = OpType.KEY_CHANGE
    number: int
    enqueue_time: int
    index: int
    key_hash: int
    sender: int

    def __post_init__(self) -> None:
        _check_place(self.number, self.enqueue_time)
        check_range("index", self.index, INDEX_BITS)
        check_fr("key_hash", self.key_hash)
        check_range("sender", self.sender, ADDRESS_BITS)

    @property
    def payer(self) -> int:
        """Who paid for the op."""
        return self.sender

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        head = _head(self.TYPE, self.index, self.enqueue_time)
        return (head, self.sender, self.key_hash, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ForcedExit:
    """Withdraws the account's whole balance, if the sender is its l1_address."""

    TYPE: ClassVar[OpType] = OpType.FORCED_EXIT
    number: int
    enqueue_time: int
    index: int
    sender: int

    def __post_init__(self) -> None:
        _check_place(self.number, self.enqueue_time)
        check_range("index", self.index, INDEX_BITS)
        check_range("sender", self.sender, ADDRESS_BITS)

    @property
    def payer(self) -> int:
        """Who paid for the op."""
        return self.sender

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        return (_head(self.TYPE, self.index, self.enqueue_time), self.sender, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ForcedStartClose:
    """Begins a channel's close, if the sender is the l1_address of that side's account."""

    TYPE: ClassVar[OpType] = OpType.FORCED_START_CLOSE
    number: int
    enqueue_time: int
    slot: int
    epoch: int
    side: Lane
    sender: int

    def __post_init__(self) -> None:
        _check_place(self.number, self.enqueue_time)
        _check_channel(self.slot, self.epoch)
        check_lane("side", self.side)
        check_range("sender", self.sender, ADDRESS_BITS)

    @property
    def payer(self) -> int:
        """Who paid for the op."""
        return self.sender

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        head = _head(self.TYPE, self.slot, self.enqueue_time, int(self.side), self.epoch)
        return (head, self.sender, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ForcedClaim:
    """A voucher, from anyone. Its key, R and s are any elements: execution decides what they are.

    Raises OutOfRange for one that is no element, as the contract does.
    """

    TYPE: ClassVar[OpType] = OpType.FORCED_CLAIM
    number: int
    enqueue_time: int
    slot: int
    epoch: int
    lane: Lane
    lane_value: int
    signature: Signature
    sender: int

    def __post_init__(self) -> None:
        _check_place(self.number, self.enqueue_time)
        _check_channel(self.slot, self.epoch)
        check_lane("lane", self.lane)
        check_range("lane_value", self.lane_value, LANE_BITS)
        for name, element in zip(("A.x", "A.y", "R.x", "R.y", "s"), self._parts(), strict=True):
            check_fr(name, element)
        check_range("sender", self.sender, ADDRESS_BITS)

    @property
    def payer(self) -> int:
        """Who paid for the op."""
        return self.sender

    def _parts(self) -> tuple[int, ...]:
        key, r = self.signature.key, self.signature.r
        return (key.x, key.y, r.x, r.y, self.signature.s)

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        head = _head(self.TYPE, self.slot, self.enqueue_time, int(self.lane), self.epoch)
        return (head, self.lane_value, *self._parts())


@dataclass(frozen=True, slots=True)
class ForcedFinalize:
    """Ends a closing channel whose deadline is not after this op's own enqueue time."""

    TYPE: ClassVar[OpType] = OpType.FORCED_FINALIZE
    number: int
    enqueue_time: int
    slot: int
    epoch: int
    sender: int

    def __post_init__(self) -> None:
        _check_place(self.number, self.enqueue_time)
        _check_channel(self.slot, self.epoch)
        check_range("sender", self.sender, ADDRESS_BITS)

    @property
    def payer(self) -> int:
        """Who paid for the op."""
        return self.sender

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        head = _head(self.TYPE, self.slot, self.enqueue_time, epoch=self.epoch)
        return (head, 0, 0, 0, 0, 0, 0)


AccountOp = NewAccount | Deposit | KeyChange | ForcedExit
ChannelOp = ForcedStartClose | ForcedClaim | ForcedFinalize
QueueOp = AccountOp | ChannelOp


def rolling_hash(previous: bytes, op: QueueOp) -> bytes:
    """keccak256(previous, the 7 elements, payer), all as 32-byte big-endian words."""
    words = (*op.elements(), op.payer)
    return bytes(keccak(previous + b"".join(word.to_bytes(32, "big") for word in words)))
