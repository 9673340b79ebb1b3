"""Queue ops read back from L1: the elements that an event or a batch's calldata carries."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.errors import ProtocolError
from protocol.queue import OP_ELEMENTS, Deposit, NewAccount, OpType, QueueOp
from protocol.units import ADDRESS_BITS, INDEX_BITS, TIME_BITS


def _bits(word: int, low: int, width: int) -> int:
    return (word >> low) & ((1 << width) - 1)


def queue_op_from(number: int, elements: Sequence[int], payer: int) -> QueueOp | None:
    """The op with these 7 elements; None where they are not those of a type known here."""
    if len(elements) != OP_ELEMENTS:
        return None
    head, party_and_amount, key_hash = elements[:3]
    index, enqueue_time = _bits(head, 8, INDEX_BITS), _bits(head, 40, TIME_BITS)
    party, amount_ntok = _bits(party_and_amount, 0, ADDRESS_BITS), party_and_amount >> ADDRESS_BITS
    op: QueueOp
    try:
        match _bits(head, 0, 8):
            case OpType.NEW_ACCOUNT:
                op = NewAccount(number, enqueue_time, index, key_hash, party, amount_ntok, payer)
            case OpType.DEPOSIT:
                op = Deposit(number, enqueue_time, index, amount_ntok, payer)
            case _:
                return None
    except ProtocolError:
        return None
    return op if op.elements() == tuple(elements) else None
