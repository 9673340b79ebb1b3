"""Invariant: a queue slot has exactly one of the eight ops; any other number satisfies nothing."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.queue import OpType
from prover.circuits.conditions import one_of
from prover.circuits.kinds import quarter
from prover.gadgets.bits import enforce_bits
from prover.gadgets.select import is_both
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc

_NUMBER_BITS = 3


@dataclass(frozen=True, slots=True)
class OpKind:
    """The op's number and its bits, of which exactly one is 1; the properties are free."""

    number: Lc
    none: Bit
    new_account: Bit
    deposit: Bit
    key_change: Bit
    forced_exit: Bit
    forced_start_close: Bit
    forced_claim: Bit
    forced_finalize: Bit

    @property
    def used(self) -> Bit:
        """There is an op."""
        return ~self.none

    @property
    def on_account(self) -> Bit:
        """Its index names an account."""
        return one_of(self.new_account, self.deposit, self.key_change, self.forced_exit)

    @property
    def on_channel(self) -> Bit:
        """Its index names a channel slot, and it says which epoch it means."""
        return one_of(self.forced_start_close, self.forced_claim, self.forced_finalize)

    @property
    def names_party(self) -> Bit:
        """Account 1 is a party of the channel: the side's, or A where both are paid."""
        return one_of(self.forced_start_close, self.forced_finalize)

    @property
    def by_side(self) -> Bit:
        """Has a side or lane."""
        return one_of(self.forced_start_close, self.forced_claim)

    @property
    def brings_money(self) -> Bit:
        """Comes with an amount."""
        return one_of(self.new_account, self.deposit)

    @property
    def brings_key(self) -> Bit:
        """Comes with a key hash."""
        return one_of(self.new_account, self.key_change)

    @property
    def by_owner(self) -> Bit:
        """Its sender has to be the l1_address of account 1."""
        return one_of(self.key_change, self.forced_exit, self.forced_start_close)


def input_op_kind(b: Builder) -> OpKind:
    """The input `type` as one of eight bits. 9 constraints."""
    with b.scope("kind"):
        number = b.input("type")
        b0, b1, b2 = enforce_bits(b, number, _NUMBER_BITS)
        bits: dict[OpType, Bit] = {}
        for low, among in enumerate(quarter(b, b0, b1, "low")):
            upper = OpType(low + 4)
            bits[upper] = is_both(b, among, b2, label=f"is {upper.name}")
            bits[OpType(low)] = Bit((among - bits[upper]).terms)
    return OpKind(
        number=number,
        none=bits[OpType.NONE],
        new_account=bits[OpType.NEW_ACCOUNT],
        deposit=bits[OpType.DEPOSIT],
        key_change=bits[OpType.KEY_CHANGE],
        forced_exit=bits[OpType.FORCED_EXIT],
        forced_start_close=bits[OpType.FORCED_START_CLOSE],
        forced_claim=bits[OpType.FORCED_CLAIM],
        forced_finalize=bits[OpType.FORCED_FINALIZE],
    )
