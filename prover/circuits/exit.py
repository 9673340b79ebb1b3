"""Invariant: an exit says of one root what one leaf of it holds, or what a voucher adds to it.

One circuit for three kinds (protocol.exits), so that a household keeps one key and the contract
one verifying key. What a kind does not look at is 0, but for the siblings of paths that lead
nowhere and for a signature that is switched off. The statement is in docs/statements.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from protocol.crypto.poseidon import Tag
from protocol.state import NO_CERTIFICATES
from protocol.units import (
    ADDRESS_BITS,
    AMOUNT_BITS,
    CHANNEL_ID_BITS,
    LANE_PAID_BITS,
    LANE_WH_BITS,
)
from protocol.vouchers import NO_LOCK
from prover.circuits.conditions import enforce_zero_if, one_of
from prover.circuits.exit_leaves import LeftChannel, input_account, input_channel
from prover.circuits.tree_place import TreePlace, input_place
from prover.gadgets.bits import enforce_bits, input_bit, input_uint, pack
from prover.gadgets.merkle import root_of_path
from prover.gadgets.poseidon import hash4
from prover.gadgets.schnorr import enforce_signature, input_signature
from prover.gadgets.select import enforce_equal_if, is_both, masked, select
from prover.r1cs.builder import Builder
from prover.r1cs.compose import Circuit, Instance, compose
from prover.r1cs.lc import Bit, Lc, Uint
from prover.r1cs.system import R1CS
from prover.r1cs.template import Template

EXIT = "exit"
PUBLIC = ("root", "what", "first", "second")

_INDEX_AT, _LANE_AT, _MONEY_AT = 8, 32, 40


@dataclass(frozen=True, slots=True, eq=False)
class ExitCircuit:
    """The circuit. counts: its constraints, as committed in counts.json."""

    circuit: Circuit
    counts: Mapping[str, int]

    @property
    def r1cs(self) -> R1CS:
        """The whole as one constraint system; its public inputs are ExitInputs' values."""
        return self.circuit.r1cs


@lru_cache(maxsize=1)
def exit_circuit() -> ExitCircuit:
    """Record the circuit (a second, once a process)."""
    circuit = compose(EXIT, [Instance(EXIT, exit_template())])
    return ExitCircuit(circuit, {EXIT: circuit.r1cs.n_constraints})


@dataclass(frozen=True, slots=True)
class _Kind:
    """Which of the three it is: exactly one bit is 1."""

    number: Lc
    account: Bit
    channel: Bit
    raising: Bit

    @property
    def on_account_a(self) -> Bit:
        """Reads account a."""
        return one_of(self.account, self.channel)

    @property
    def on_channel(self) -> Bit:
        """Reads the channel."""
        return one_of(self.channel, self.raising)


@dataclass(frozen=True, slots=True)
class _Money:
    """128 bits: a balance, or deposit_a + deposit_b 2^64, or what a lane has paid."""

    paid: Uint
    above_paid: Uint
    upper: Uint

    @property
    def value(self) -> Uint:
        """All of them."""
        return pack(self.paid, self.above_paid, self.upper)


@cache
def exit_template() -> Template:
    """The template. Public: root, what, first, second; no links, no exports of its own."""
    b = Builder(EXIT)
    root, what, first, second = (b.public(name) for name in PUBLIC)
    kind = _input_kind(b)
    with b.scope("account_a"):
        place_a, account_a = input_place(b), input_account(b)
        account_a.enforce_unused_if(b, kind.raising, low_too=False)
    with b.scope("account_b"):
        place_b, account_b = input_place(b), input_account(b)
        account_b.enforce_unused_if(b, ~kind.channel, low_too=True)
    with b.scope("channel"):
        slot = input_place(b)
        channel = input_channel(b, place_a.index, place_b.index)
        enforce_zero_if(b, kind.account, slot.index, label="no slot")
        channel.enforce_unused_if(b, kind.account)
    with b.scope("trees"):
        accounts_root, channels_root = b.input("accounts_root"), b.input("channels_root")
        state = hash4(b, Tag.STATE, accounts_root, channels_root, NO_CERTIFICATES, 0, label="state")
        b.enforce_equal(state, root, label="state root")
    with b.scope("account_a"):
        leaf = account_a.lanes.leaf_hash(b, "leaf")
        _enforce_in_tree_if(b, kind.on_account_a, place_a, leaf, accounts_root)
    with b.scope("account_b"):
        leaf = account_b.lanes.leaf_hash(b, "leaf")
        _enforce_in_tree_if(b, kind.channel, place_b, leaf, accounts_root)
    with b.scope("channel"):
        leaf = channel.leaf_hash(b)
        _enforce_in_tree_if(b, kind.on_channel, slot, leaf, channels_root)
    with b.scope("what"):
        lane, money = input_bit(b, "lane"), _input_money(b, kind)
        balance, deposits = account_a.lanes.balance_ntok, channel.deposits
        enforce_equal_if(b, kind.account, money.value, balance, label="money is the balance")
        enforce_equal_if(b, kind.channel, money.value, deposits, label="money is both deposits")
        index = select(b, kind.account, place_a.index, slot.index, label="index")
        parts = [(1, kind.number), (1 << _INDEX_AT, index), (1 << _LANE_AT, lane)]
        b.enforce_equal(Lc.total([*parts, (1 << _MONEY_AT, money.value)]), what, label="what")
    with b.scope("first"):
        paid = masked(b, kind.channel, channel.lane_ab.paid_ntok, label="paid")
        b.enforce_equal(account_a.l1_address + paid * (1 << ADDRESS_BITS), first, label="first")
    with b.scope("second"):
        paid = masked(b, kind.channel, channel.lane_ba.paid_ntok, label="paid")
        b.enforce_equal(account_b.l1_address + paid * (1 << ADDRESS_BITS), second, label="second")
    with b.scope("voucher"):
        _enforce_voucher_if(b, kind.raising, account_a.address_low, channel, lane, money.paid)
    return b.build()


def _input_kind(b: Builder) -> _Kind:
    """The input `kind/value` as one of three bits; `what` says it. 5 constraints."""
    with b.scope("kind"):
        number = b.input("value")
        low, high = enforce_bits(b, number, 2)
        both = is_both(b, low, high, label="both")
        b.enforce_equal(low + high - both, 1, label="a kind that exists")
    return _Kind(number, Bit((low - both).terms), Bit((high - both).terms), both)


def _input_money(b: Builder, kind: _Kind) -> _Money:
    """130 constraints."""
    with b.scope("money"):
        money = _Money(
            input_uint(b, "paid", LANE_PAID_BITS),
            input_uint(b, "above_paid", AMOUNT_BITS - LANE_PAID_BITS),
            input_uint(b, "upper", AMOUNT_BITS),
        )
        enforce_zero_if(b, ~kind.channel, money.upper, label="64 bits")
        enforce_zero_if(b, kind.raising, money.above_paid, label="56 bits")
    return money


def _enforce_in_tree_if(b: Builder, bit: Bit, place: TreePlace, leaf: Lc, root: Lc) -> None:
    """Where bit is 1, the tree of this root has the leaf at the place. 3,601 constraints."""
    found = root_of_path(b, place.bits, leaf, place.siblings)
    enforce_equal_if(b, bit, found, root, label="leaf is in the tree")


def _enforce_voucher_if(
    b: Builder, bit: Bit, domain: Uint, channel: LeftChannel, lane: Bit, paid_ntok: Uint
) -> None:
    """Where bit is 1, the lane's payer signed wh + paid 2^40 by its pinned key. 3,163 constraints.

    Where it is 0, lane and wh are 0 and the signature has to be well formed only.
    """
    energy_wh = input_uint(b, "wh", LANE_WH_BITS)
    enforce_zero_if(b, ~bit, pack(lane, energy_wh), label="unused")
    where = channel.id + lane * (1 << CHANNEL_ID_BITS)
    value = pack(energy_wh, paid_ntok)
    message = hash4(b, Tag.VOUCHER, domain, where, value, NO_LOCK, label="message")
    signer = enforce_signature(b, input_signature(b, "by"), message, enabled=bit)
    enforce_equal_if(b, bit, signer, channel.key(b, lane), label="by the payer's pinned key")
