"""An exit: what somebody is owed in the last root, as the exit circuit proves it to the contract.

After the exodus has begun nobody executes anything any more; an exit says what one leaf holds (or
what a voucher promises beyond it) in one root, and nothing else. Ref: docs/protocol.md section 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from protocol.accounts import Account
from protocol.channels import Channel, Lane, check_lane, lane_paid_ntok, lane_wh
from protocol.crypto.schnorr import key_hash, verify
from protocol.errors import BadSignature, InclusionsDiffer, UnknownAccount, UnknownChannel, WrongKey
from protocol.inclusion import AccountInclusion, ChannelInclusion, prove_account, prove_channel
from protocol.state import State
from protocol.units import (
    ADDRESS_BITS,
    AMOUNT_BITS,
    DOMAIN_BITS,
    INDEX_BITS,
    LANE_PAID_BITS,
    check_range,
)
from protocol.vouchers import Voucher


class ExitKind(IntEnum):
    """The 8-bit kind of an exit; 0 is none."""

    ACCOUNT = 1
    CHANNEL = 2
    RAISE = 3


@dataclass(frozen=True, slots=True)
class ExitInputs:
    """The public inputs of an exit proof."""

    root: int
    what: int
    first: int
    second: int

    def values(self) -> tuple[int, ...]:
        """In the order that the circuit has them."""
        return self.root, self.what, self.first, self.second


def _what(kind: ExitKind, index: int, lane: int, money: int) -> int:
    """kind + index 2^8 + lane 2^32 + money 2^40; money has up to 128 bits."""
    return int(kind) + (index << 8) + (lane << 32) + (money << 40)


@dataclass(frozen=True, slots=True)
class AccountExit:
    """An account and its whole balance. Raises OutOfRange."""

    KIND: ClassVar[ExitKind] = ExitKind.ACCOUNT
    index: int
    l1_address: int
    balance_ntok: int

    def __post_init__(self) -> None:
        check_range("account index", self.index, INDEX_BITS)
        check_range("l1_address", self.l1_address, ADDRESS_BITS)
        check_range("balance_ntok", self.balance_ntok, AMOUNT_BITS)

    def public(self, root: int, domain: int) -> ExitInputs:
        """What the contract puts together itself; the domain is in no account."""
        check_range("domain", domain, DOMAIN_BITS)
        what = _what(self.KIND, self.index, 0, self.balance_ntok)
        return ExitInputs(root, what, self.l1_address, 0)


@dataclass(frozen=True, slots=True)
class ChannelExit:
    """A channel, open or closing: deposits, what each has paid, and both owners. Raises OutOfRange.

    The addresses are those of A's and B's accounts in the same root.
    """

    KIND: ClassVar[ExitKind] = ExitKind.CHANNEL
    slot: int
    deposit_a_ntok: int
    deposit_b_ntok: int
    paid_ab_ntok: int
    paid_ba_ntok: int
    l1_address_a: int
    l1_address_b: int

    def __post_init__(self) -> None:
        check_range("channel slot", self.slot, INDEX_BITS)
        check_range("deposit_a_ntok", self.deposit_a_ntok, AMOUNT_BITS)
        check_range("deposit_b_ntok", self.deposit_b_ntok, AMOUNT_BITS)
        check_range("paid_ab_ntok", self.paid_ab_ntok, LANE_PAID_BITS)
        check_range("paid_ba_ntok", self.paid_ba_ntok, LANE_PAID_BITS)
        check_range("l1_address_a", self.l1_address_a, ADDRESS_BITS)
        check_range("l1_address_b", self.l1_address_b, ADDRESS_BITS)

    def public(self, root: int, domain: int) -> ExitInputs:
        """What the contract puts together itself; the domain is in no channel."""
        check_range("domain", domain, DOMAIN_BITS)
        deposits = self.deposit_a_ntok + (self.deposit_b_ntok << AMOUNT_BITS)
        return ExitInputs(
            root,
            _what(self.KIND, self.slot, 0, deposits),
            self.l1_address_a + (self.paid_ab_ntok << ADDRESS_BITS),
            self.l1_address_b + (self.paid_ba_ntok << ADDRESS_BITS),
        )


@dataclass(frozen=True, slots=True)
class LaneRaise:
    """A voucher in a channel's lane: its payer signed that it has paid so much. Raises OutOfRange.

    Only `paid` counts in a settlement, and of two lane values the higher never has less of it. A
    raise below what the leaf holds is as true, and changes nothing.
    """

    KIND: ClassVar[ExitKind] = ExitKind.RAISE
    slot: int
    lane: Lane
    paid_ntok: int

    def __post_init__(self) -> None:
        check_range("channel slot", self.slot, INDEX_BITS)
        check_lane("lane", self.lane)
        check_range("paid_ntok", self.paid_ntok, LANE_PAID_BITS)

    def public(self, root: int, domain: int) -> ExitInputs:
        """What the contract puts together itself, with its own domain."""
        check_range("domain", domain, DOMAIN_BITS)
        what = _what(self.KIND, self.slot, int(self.lane), self.paid_ntok)
        return ExitInputs(root, what, domain, 0)


Exit = AccountExit | ChannelExit | LaneRaise


@dataclass(frozen=True, slots=True)
class AccountExitWitness:
    """An account's inclusion: all that proves its exit. Raises UnknownAccount for an empty leaf."""

    inclusion: AccountInclusion

    def __post_init__(self) -> None:
        _account(self.inclusion)

    @property
    def account(self) -> Account:
        """The leaf."""
        return _account(self.inclusion)

    def root(self) -> int:
        """The root that it is an exit from."""
        return self.inclusion.state_root()

    def statement(self) -> AccountExit:
        """What is proved."""
        leaf = self.account
        return AccountExit(self.inclusion.index, leaf.l1_address, leaf.balance_ntok)


@dataclass(frozen=True, slots=True)
class ChannelExitWitness:
    """The inclusions of a channel and of its two accounts, in one root.

    Raises UnknownChannel, UnknownAccount for an empty leaf, InclusionsDiffer.
    """

    inclusion: ChannelInclusion
    inclusion_a: AccountInclusion
    inclusion_b: AccountInclusion

    def __post_init__(self) -> None:
        channel, root = self.channel, self.inclusion.state_root()
        for side, index, given in (
            ("A", channel.a_index, self.inclusion_a),
            ("B", channel.b_index, self.inclusion_b),
        ):
            _account(given)
            if given.index != index:
                what = f"{side} of the channel is account {index}, given is account {given.index}"
                raise InclusionsDiffer(what)
            if given.state_root() != root:
                raise InclusionsDiffer(f"account {index} is from another root than the channel")

    @property
    def channel(self) -> Channel:
        """The channel's leaf."""
        return _channel(self.inclusion)

    @property
    def account_a(self) -> Account:
        """The leaf of A's account."""
        return _account(self.inclusion_a)

    @property
    def account_b(self) -> Account:
        """The leaf of B's account."""
        return _account(self.inclusion_b)

    def root(self) -> int:
        """The root that it is an exit from."""
        return self.inclusion.state_root()

    def statement(self) -> ChannelExit:
        """What is proved."""
        leaf = self.channel
        return ChannelExit(
            slot=self.inclusion.slot,
            deposit_a_ntok=leaf.deposit_a_ntok,
            deposit_b_ntok=leaf.deposit_b_ntok,
            paid_ab_ntok=lane_paid_ntok(leaf.lane_ab),
            paid_ba_ntok=lane_paid_ntok(leaf.lane_ba),
            l1_address_a=self.account_a.l1_address,
            l1_address_b=self.account_b.l1_address,
        )


@dataclass(frozen=True, slots=True)
class LaneRaiseWitness:
    """A channel's inclusion and a voucher of one of its lanes.

    Raises UnknownChannel for an empty leaf; InclusionsDiffer where the voucher is of another
    channel; WrongKey, BadSignature where it is not signed by the payer's pinned key.
    """

    inclusion: ChannelInclusion
    voucher: Voucher
    domain: int

    def __post_init__(self) -> None:
        check_range("domain", self.domain, DOMAIN_BITS)
        channel, voucher = self.channel, self.voucher
        if voucher.channel_id != channel.id:
            slot = self.inclusion.slot
            raise InclusionsDiffer(f"the voucher is not of the channel that holds slot {slot}")
        payer = "the lane's payer"
        if key_hash(voucher.signature.key) != channel.key_hash(voucher.lane):
            raise WrongKey(payer)
        if not verify(voucher.signature, voucher.message(self.domain)):
            raise BadSignature(payer)

    @property
    def channel(self) -> Channel:
        """The channel's leaf."""
        return _channel(self.inclusion)

    @property
    def energy_wh(self) -> int:
        """The part of the signed lane value that the statement does not show."""
        return lane_wh(self.voucher.lane_value)

    def root(self) -> int:
        """The root that the channel is in."""
        return self.inclusion.state_root()

    def statement(self) -> LaneRaise:
        """What is proved."""
        paid_ntok = lane_paid_ntok(self.voucher.lane_value)
        return LaneRaise(self.inclusion.slot, self.voucher.lane, paid_ntok)


ExitWitness = AccountExitWitness | ChannelExitWitness | LaneRaiseWitness


def exit_inputs(witness: ExitWitness) -> ExitInputs:
    """The public inputs of a witness's proof."""
    domain = witness.domain if isinstance(witness, LaneRaiseWitness) else 0
    return witness.statement().public(witness.root(), domain)


def account_exit(state: State, index: int) -> AccountExitWitness:
    """The exit of an account from a state. Raises UnknownAccount."""
    return AccountExitWitness(prove_account(state, index))


def channel_exit(state: State, slot: int) -> ChannelExitWitness:
    """The exit of a channel from a state. Raises UnknownChannel."""
    inclusion = prove_channel(state, slot)
    channel = _channel(inclusion)
    a, b = (prove_account(state, index) for index in (channel.a_index, channel.b_index))
    return ChannelExitWitness(inclusion, a, b)


def lane_raise(state: State, slot: int, voucher: Voucher, domain: int) -> LaneRaiseWitness:
    """A voucher against a channel of a state. Raises as LaneRaiseWitness does."""
    return LaneRaiseWitness(prove_channel(state, slot), voucher, domain)


def _account(inclusion: AccountInclusion) -> Account:
    if inclusion.account is None:
        raise UnknownAccount(inclusion.index)
    return inclusion.account


def _channel(inclusion: ChannelInclusion) -> Channel:
    if inclusion.channel is None:
        raise UnknownChannel(f"in slot {inclusion.slot}")
    return inclusion.channel
