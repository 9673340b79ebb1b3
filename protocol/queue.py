"""The L1 queue: ops in order, each exactly once, each processable whatever it holds.

An op reaches the circuit as 7 elements and leaves an 8th, what it pays out; L1 chains the 7 and
the payer into a rolling hash. KEY_CHANGE and the forced ops have their numbers and their place in
the elements already. Ref: docs/protocol.md sections 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from eth_hash.auto import keccak

from protocol.crypto.field import check_fr
from protocol.units import ADDRESS_BITS, AMOUNT_BITS, INDEX_BITS, TIME_BITS, check_range

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


def _head(op: OpType, index: int, enqueue_time: int) -> int:
    return int(op) + (index << 8) + (enqueue_time << 40)


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
        check_range("op number", self.number, AMOUNT_BITS)
        check_range("enqueue_time", self.enqueue_time, TIME_BITS)
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
        check_range("op number", self.number, AMOUNT_BITS)
        check_range("enqueue_time", self.enqueue_time, TIME_BITS)
        check_range("index", self.index, INDEX_BITS)
        check_range("amount_ntok", self.amount_ntok, AMOUNT_BITS)
        check_range("payer", self.payer, ADDRESS_BITS)

    def elements(self) -> tuple[int, ...]:
        """The 7 message elements."""
        head = _head(self.TYPE, self.index, self.enqueue_time)
        return (head, self.payer + (self.amount_ntok << 160), 0, 0, 0, 0, 0)


QueueOp = NewAccount | Deposit


def rolling_hash(previous: bytes, op: QueueOp) -> bytes:
    """keccak256(previous, the 7 elements, payer), all as 32-byte big-endian words."""
    words = (*op.elements(), op.payer)
    return bytes(keccak(previous + b"".join(word.to_bytes(32, "big") for word in words)))
