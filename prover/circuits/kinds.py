"""Invariant: a user slot has exactly one of the nine types; numbers 9 to 15 satisfy nothing."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.data import TYPE_BITS
from protocol.transactions import TxType
from prover.circuits.conditions import one_of
from prover.gadgets.bits import enforce_bits
from prover.gadgets.select import is_both
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc


@dataclass(frozen=True, slots=True)
class Kind:
    """The type's number and its bits, of which exactly one is 1; the properties are free."""

    number: Lc
    noop: Bit
    transfer: Bit
    withdraw: Bit
    open: Bit
    top_up: Bit
    claim: Bit
    start_close: Bit
    close: Bit
    finalize: Bit

    @property
    def names_accounts(self) -> Bit:
        """Signs account numbers (the others that sign name a channel)."""
        return one_of(self.transfer, self.withdraw, self.open)

    @property
    def spends(self) -> Bit:
        """Has an amount and a fee."""
        return one_of(self.transfer, self.withdraw, self.open, self.top_up)

    @property
    def uses_nonce(self) -> Bit:
        """Signed by account 1's present key, with its nonce, which grows."""
        return one_of(self.spends, self.start_close)

    @property
    def expires(self) -> Bit:
        """Signs valid_until."""
        return one_of(self.uses_nonce, self.close)

    @property
    def signed(self) -> Bit:
        """Signature 1 counts."""
        return one_of(self.expires, self.claim)

    @property
    def pinned(self) -> Bit:
        """Signature 1 is by a key pinned in the channel."""
        return one_of(self.claim, self.close)

    @property
    def pays_out(self) -> Bit:
        """Ends a channel."""
        return one_of(self.close, self.finalize)

    @property
    def reads_lanes(self) -> Bit:
        """Looks inside the lanes: raises one or both, or pays out by them."""
        return one_of(self.claim, self.pays_out)

    @property
    def by_side(self) -> Bit:
        """Has a side or lane."""
        return one_of(self.top_up, self.claim, self.start_close)

    @property
    def on_channel(self) -> Bit:
        """Touches a channel leaf."""
        return one_of(self.open, self.by_side, self.pays_out)

    @property
    def on_account_1(self) -> Bit:
        """Touches account 1."""
        return one_of(self.uses_nonce, self.pays_out)

    @property
    def on_account_2(self) -> Bit:
        """Touches account 2."""
        return one_of(self.transfer, self.open, self.pays_out)


def input_kind(b: Builder) -> Kind:
    """The input `type` as one of nine bits. 23 constraints."""
    with b.scope("kind"):
        number = b.input("type")
        b0, b1, b2, b3 = enforce_bits(b, number, TYPE_BITS)
        low, high = quarter(b, b0, b1, "low"), quarter(b, b2, b3, "high")
        bits = {
            kind: is_both(b, low[kind & 3], high[kind >> 2], label=f"is {kind.name}")
            for kind in TxType
        }
        b.enforce_equal(one_of(*bits.values()), 1, label="a type that exists")
    return Kind(
        number=number,
        noop=bits[TxType.NOOP],
        transfer=bits[TxType.TRANSFER],
        withdraw=bits[TxType.WITHDRAW],
        open=bits[TxType.OPEN],
        top_up=bits[TxType.TOP_UP],
        claim=bits[TxType.CLAIM],
        start_close=bits[TxType.START_CLOSE],
        close=bits[TxType.CLOSE],
        finalize=bits[TxType.FINALIZE],
    )


def quarter(b: Builder, x: Bit, y: Bit, label: str) -> list[Bit]:
    """[neither, x alone, y alone, both]: exactly one of them is 1. 1 constraint."""
    both = is_both(b, x, y, label=f"{label} both")
    return [Bit((1 - x - y + both).terms), Bit((x - both).terms), Bit((y - both).terms), both]
