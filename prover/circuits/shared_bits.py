"""Invariant: bits that a type does not need are read as what another type needs, never as both.

A slot has one type, so two ranges of one width that no type needs together are one range:
- 192 bits are account 1's owner, address and nonce, where a present key signs; both lanes as they
  are afterwards where lanes are read (CLAIM, CLOSE, FINALIZE). In a queue slot they are the owner
  where the sender is compared with it, and both lanes as they are before otherwise.
- 96 bits are amount and fee where money is spent; by how much lane ab grows otherwise.
Whoever uses one reading does so under the bit of a type that has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.units import ADDRESS_BITS, AMOUNT_BITS, FEE_BITS, LANE_BITS, LANE_WH_BITS, NONCE_BITS
from prover.circuits.channel_leaf import LaneValue
from prover.circuits.kinds import Kind
from prover.gadgets.bits import enforce_bits, uint_of_bits
from prover.gadgets.select import enforce_equal_if, masked
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint


@dataclass(frozen=True, slots=True)
class OwnerOrLanes:
    """192 bits, read as l1_address and nonce or as both lanes' values afterwards."""

    l1_address: Uint
    nonce: Uint
    lane_ab: LaneValue
    lane_ba: LaneValue


def input_owner_or_lanes(b: Builder, reads_lanes: Bit, owner: Lc) -> OwnerOrLanes:
    """The input owner_or_lanes, `owner` where no lanes are read. 194 constraints."""
    with b.scope("owner_or_lanes"):
        word = b.input("value")
        bits = enforce_bits(b, word, ADDRESS_BITS + NONCE_BITS)
        enforce_equal_if(b, ~reads_lanes, word, owner, label="owner")

    def lane(first: int) -> LaneValue:
        middle = first + LANE_WH_BITS
        return LaneValue(
            uint_of_bits(bits[first:middle]), uint_of_bits(bits[middle : first + LANE_BITS])
        )

    return OwnerOrLanes(
        uint_of_bits(bits[:ADDRESS_BITS]),
        uint_of_bits(bits[ADDRESS_BITS:]),
        lane(0),
        lane(LANE_BITS),
    )


def input_money(b: Builder, kind: Kind, grown_ab: Lc) -> tuple[Uint, Uint]:
    """(amount, fee), both 0 where the type has none; there `grown_ab` is ranged. 100 constraints.

    grown_ab must be 0 where money is spent.
    """
    with b.scope("money_or_growth"):
        word = b.input("value")
        bits = enforce_bits(b, word, AMOUNT_BITS + FEE_BITS)
        enforce_equal_if(b, Bit((1 - kind.spends).terms), word, grown_ab, label="growth of ab")
        amount = masked(b, kind.spends, uint_of_bits(bits[:AMOUNT_BITS]), label="amount")
        return amount, masked(b, kind.spends, uint_of_bits(bits[AMOUNT_BITS:]), label="fee")


def shared_inputs(owner_or_lanes: int, money_or_growth: int) -> dict[str, int]:
    """The inputs of both."""
    return {
        "owner_or_lanes/value": owner_or_lanes,
        "money_or_growth/value": money_or_growth,
    }
