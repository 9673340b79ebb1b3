"""Data elements: what goes to L1 so that anyone can rebuild the state from the one before.

One element a user slot, packed from bit 0 upward with the 4-bit type first; element 0 of a proof
names the operator's account and how many queue ops the proof consumed. With the old state, the
queue and the context that L1 knows, they determine the new state (protocol/replay.py).
Ref: docs/protocol.md section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from protocol.errors import Malformed
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Open,
    StartClose,
    TopUp,
    Transfer,
    TxType,
    Withdraw,
)
from protocol.units import (
    AMOUNT_BITS,
    FEE_BITS,
    INDEX_BITS,
    LANE_BITS,
    WINDOW_BITS,
    check_range,
)

TYPE_BITS = 4
SIDE_BITS = 1
CONSUMED_BITS = 24

FIELDS: dict[TxType, tuple[tuple[str, int], ...]] = {
    TxType.NOOP: (),
    TxType.TRANSFER: (
        ("from_index", INDEX_BITS),
        ("to_index", INDEX_BITS),
        ("amount_ntok", AMOUNT_BITS),
        ("fee_ntok", FEE_BITS),
    ),
    TxType.WITHDRAW: (
        ("index", INDEX_BITS),
        ("amount_ntok", AMOUNT_BITS),
        ("fee_ntok", FEE_BITS),
    ),
    TxType.OPEN: (
        ("a_index", INDEX_BITS),
        ("b_index", INDEX_BITS),
        ("slot", INDEX_BITS),
        ("deposit_ntok", AMOUNT_BITS),
        ("fee_ntok", FEE_BITS),
        ("window_s", WINDOW_BITS),
    ),
    TxType.TOP_UP: (
        ("slot", INDEX_BITS),
        ("side", SIDE_BITS),
        ("amount_ntok", AMOUNT_BITS),
        ("fee_ntok", FEE_BITS),
    ),
    TxType.CLAIM: (("slot", INDEX_BITS), ("lane", SIDE_BITS), ("lane_value", LANE_BITS)),
    TxType.START_CLOSE: (("slot", INDEX_BITS), ("side", SIDE_BITS)),
    TxType.CLOSE: (("slot", INDEX_BITS), ("lane_ab", LANE_BITS), ("lane_ba", LANE_BITS)),
    TxType.FINALIZE: (("slot", INDEX_BITS),),
}
"""Fields of each type after the type itself, with their widths in bits."""


def pack(tx_type: TxType, values: Mapping[str, int]) -> int:
    """The element with these FIELDS. Raises OutOfRange."""
    element, shift = int(tx_type), TYPE_BITS
    for field, bits in FIELDS[tx_type]:
        element += check_range(field, int(values[field]), bits) << shift
        shift += bits
    return element


@dataclass(frozen=True, slots=True)
class DataRecord:
    """An unpacked data element."""

    type: TxType
    values: dict[str, int]


def unpack(element: int) -> DataRecord:
    """The record of a user slot's element. Raises Malformed for anything not packed here."""
    number = element & ((1 << TYPE_BITS) - 1)
    if number not in set(TxType):
        raise Malformed(f"data element {element:#x} has the unknown type {number}")
    tx_type = TxType(number)
    values, rest = {}, element >> TYPE_BITS
    for field, bits in FIELDS[tx_type]:
        values[field] = rest & ((1 << bits) - 1)
        rest >>= bits
    if rest:
        raise Malformed(f"data element {element:#x} is longer than a {tx_type.name}")
    return DataRecord(tx_type, values)


def header(operator_index: int, consumed: int) -> int:
    """Element 0: operator_index + consumed 2^24."""
    check_range("operator_index", operator_index, INDEX_BITS)
    return operator_index + (check_range("consumed", consumed, CONSUMED_BITS) << INDEX_BITS)


def unpack_header(element: int) -> tuple[int, int]:
    """(operator_index, consumed). Raises Malformed."""
    if element >> (INDEX_BITS + CONSUMED_BITS):
        raise Malformed(f"data element 0 is {element:#x}, longer than a header")
    return element & ((1 << INDEX_BITS) - 1), element >> INDEX_BITS


def _of(body: Body, **slot: int) -> int:
    """The element of a body, whose fields have the names that FIELDS gives them."""
    named = {name for name, _ in FIELDS[body.TYPE]} - slot.keys()
    return pack(body.TYPE, {**slot, **{name: getattr(body, name) for name in named}})


def transfer(body: Transfer) -> int:
    """type 4, from 24, to 24, amount 64, fee 32."""
    return _of(body)


def withdraw(body: Withdraw) -> int:
    """type 4, index 24, amount 64, fee 32."""
    return _of(body)


def open_(body: Open, slot: int) -> int:
    """type 4, a 24, b 24, slot 24, deposit 64, fee 32, window 32."""
    return _of(body, slot=slot)


def top_up(body: TopUp, slot: int) -> int:
    """type 4, slot 24, side 1, amount 64, fee 32."""
    return _of(body, slot=slot)


def claim(body: Claim, slot: int) -> int:
    """type 4, slot 24, lane 1, lane value 96."""
    return _of(body, slot=slot)


def start_close(body: StartClose, slot: int) -> int:
    """type 4, slot 24, side 1."""
    return _of(body, slot=slot)


def close(body: Close, slot: int) -> int:
    """type 4, slot 24, lane ab 96, lane ba 96."""
    return _of(body, slot=slot)


def finalize(slot: int) -> int:
    """type 4, slot 24."""
    return pack(TxType.FINALIZE, {"slot": slot})
