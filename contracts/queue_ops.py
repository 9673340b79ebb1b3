"""Queue ops read back from L1: the elements that an event or a batch's calldata carries."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.channels import Lane
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature
from protocol.errors import ProtocolError
from protocol.queue import (
    OP_ELEMENTS,
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    OpType,
    QueueOp,
)
from protocol.units import ADDRESS_BITS, INDEX_BITS, NONCE_BITS, TIME_BITS


def _bits(word: int, low: int, width: int) -> int:
    return (word >> low) & ((1 << width) - 1)


def queue_op_from(number: int, elements: Sequence[int], payer: int) -> QueueOp | None:
    """The op with these 7 elements; None where they are not those of an op."""
    if len(elements) != OP_ELEMENTS:
        return None
    try:
        op = _op(number, elements, payer)
    except (ProtocolError, ValueError):
        return None
    return op if op.elements() == tuple(elements) and op.payer == payer else None


def _op(number: int, elements: Sequence[int], payer: int) -> QueueOp:
    head, second, third, *rest = elements
    index, time = _bits(head, 8, INDEX_BITS), _bits(head, 40, TIME_BITS)
    side, epoch = _bits(head, 32, 8), _bits(head, 80, NONCE_BITS)
    party, amount_ntok = _bits(second, 0, ADDRESS_BITS), second >> ADDRESS_BITS
    match OpType(_bits(head, 0, 8)):
        case OpType.NEW_ACCOUNT:
            return NewAccount(number, time, index, third, party, amount_ntok, payer)
        case OpType.DEPOSIT:
            return Deposit(number, time, index, amount_ntok, payer)
        case OpType.KEY_CHANGE:
            return KeyChange(number, time, index, third, payer)
        case OpType.FORCED_EXIT:
            return ForcedExit(number, time, index, payer)
        case OpType.FORCED_START_CLOSE:
            return ForcedStartClose(number, time, index, epoch, Lane(side), payer)
        case OpType.FORCED_CLAIM:
            y, r_x, r_y, s = rest
            signature = Signature(Point(third, y), Point(r_x, r_y), s)
            return ForcedClaim(number, time, index, epoch, Lane(side), second, signature, payer)
        case OpType.FORCED_FINALIZE:
            return ForcedFinalize(number, time, index, epoch, payer)
        case OpType.NONE:
            raise ValueError("0 is no op")
