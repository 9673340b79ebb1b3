"""A channel as one side knows it; its lanes only ever rise, and no value is signed twice.

Pure: state and change in, next state out, or a Refused and then nothing has changed. The shell
writes the next state to disk *before* anything that follows from it leaves the process.
Ref: docs/protocol.md section 3, "When a payee accepts a voucher".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from channels.errors import (
    AmountMismatch,
    BadPayment,
    BadVoucherSignature,
    ChannelClosing,
    ChannelNotFinal,
    CloseSigned,
    JustRestored,
    KeyNotAcceptable,
    L1TooOld,
    LaneFull,
    OverCapacity,
    RollupEnded,
    VoucherFalls,
    VoucherRepeats,
    WindowNotAcceptable,
    WrongChannel,
    WrongEpoch,
    WrongLane,
    WrongVoucherKey,
)
from channels.policy import FRESHNESS_DIVISOR, RESTORED_QUIET_S, Policy
from protocol.channels import Channel, Lane, Status, lane_paid_ntok, lane_wh, pack_lane
from protocol.crypto.jubjub import Point
from protocol.crypto.schnorr import Signature, is_safe_key, key_hash, verify
from protocol.errors import OutOfRange
from protocol.transactions import Close
from protocol.units import AMOUNT_BITS, LANE_PAID_BITS, LANE_WH_BITS
from protocol.vouchers import Voucher, voucher_message

Sign = Callable[[int], Signature]
_INDEX_MASK = (1 << 32) - 1
_ACCOUNTS_MASK = (1 << 64) - 1

safe_key = lru_cache(maxsize=4096)(is_safe_key)
"""`is_safe_key`, remembered: a neighbour's key is checked once."""
_key_hash = lru_cache(maxsize=4096)(key_hash)


@dataclass(frozen=True, slots=True)
class VerifiedLeaf:
    """The channel's leaf, proven in the state root that L1 held final at `l1_time`.

    `l1_time` is the timestamp of the newest final block whose root was checked to hold this leaf.
    """

    slot: int
    leaf: Channel
    state_root: int
    l1_time: int


@dataclass(frozen=True, slots=True)
class L1Clock:
    """What L1's final blocks tell about time: the newest one's timestamp, its age here, and when
    the exodus started (0 before)."""

    final_time: int
    age_s: int
    exodus_start: int = 0


@dataclass(frozen=True, slots=True)
class SignedClose:
    """A CLOSE that this side has signed; it holds the lanes until `locked_until` on L1."""

    body: Close
    own_signature: Signature
    peer_signature: Signature | None
    locked_until: int


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One side's knowledge of a channel. `side` is its own side and the lane that it signs.

    `is_restored`: what this store holds may be older than what was. Then no voucher is accepted
    before final L1 time `quiet_until` (0: not known yet), when a CLOSE that was signed and is
    forgotten can no longer land.
    """

    domain: int
    channel_id: int
    side: Lane
    verified: VerifiedLeaf | None = None
    signed: Voucher | None = None
    received: Voucher | None = None
    close: SignedClose | None = None
    is_gone: bool = False
    is_restored: bool = False
    quiet_until: int = 0

    @property
    def peer_side(self) -> Lane:
        """The other side, and the lane that it signs."""
        return Lane.BA if self.side is Lane.AB else Lane.AB

    @property
    def peer_index(self) -> int:
        """The other side's account."""
        a_index, b_index = self.channel_id & _INDEX_MASK, self.channel_id >> 32 & _INDEX_MASK
        return b_index if self.side is Lane.AB else a_index

    @property
    def signed_lane(self) -> int:
        """The highest value of the own lane: signed here, or standing in the verified leaf."""
        return self._highest(self.signed, self.side)

    @property
    def received_lane(self) -> int:
        """The highest value of the peer's lane."""
        return self._highest(self.received, self.peer_side)

    @property
    def has_forgotten(self) -> bool:
        """Whether this side may have signed what this store does not hold: it was restored, or the
        leaf has more of the own lane."""
        return self.is_restored or self.signed_lane > (self.signed.lane_value if self.signed else 0)

    def _highest(self, voucher: Voucher | None, lane: Lane) -> int:
        in_leaf = self.verified.leaf.lane(lane) if self.verified else 0
        return max(voucher.lane_value if voucher else 0, in_leaf)

    @property
    def lanes(self) -> tuple[int, int]:
        """(lane_ab, lane_ba): the highest values exchanged."""
        own, peer = self.signed_lane, self.received_lane
        return (own, peer) if self.side is Lane.AB else (peer, own)

    def deposit_ntok(self, side: Lane) -> int:
        """A side's deposit in the verified leaf; 0 where there is none."""
        if self.verified is None:
            return 0
        leaf = self.verified.leaf
        return leaf.deposit_a_ntok if side is Lane.AB else leaf.deposit_b_ntok


@dataclass(frozen=True, slots=True)
class Payment:
    """Energy and its price; `amount_ntok` is their product. Raises BadPayment."""

    energy_wh: int
    price_utok_per_kwh: int

    def __post_init__(self) -> None:
        if type(self.energy_wh) is not int or not 0 < self.energy_wh < 1 << LANE_WH_BITS:
            raise BadPayment("energy_wh", self.energy_wh)
        price = self.price_utok_per_kwh
        if type(price) is not int or not 0 < price < 1 << AMOUNT_BITS:
            raise BadPayment("price_utok_per_kwh", price)
        if self.amount_ntok >= 1 << LANE_PAID_BITS:
            raise BadPayment("amount_ntok", self.amount_ntok)

    @property
    def amount_ntok(self) -> int:
        """utok/kWh * Wh = ntok, exactly."""
        return self.energy_wh * self.price_utok_per_kwh

    def on(self, lane_value: int) -> int:
        """The lane value after this payment. Raises LaneFull."""
        energy_wh = lane_wh(lane_value) + self.energy_wh
        paid_ntok = lane_paid_ntok(lane_value) + self.amount_ntok
        try:
            return pack_lane(energy_wh, paid_ntok)
        except OutOfRange:
            raise LaneFull(energy_wh, paid_ntok) from None


def require_open(state: ChannelState, final_time: int) -> VerifiedLeaf:
    """The verified leaf of a channel in which vouchers may move.

    Raises ChannelNotFinal, ChannelClosing, CloseSigned.
    """
    if state.is_gone:
        raise ChannelClosing(state.channel_id)
    verified = state.verified
    if verified is None:
        raise ChannelNotFinal(state.channel_id)
    if verified.leaf.status is not Status.OPEN:
        raise ChannelClosing(state.channel_id)
    if state.close is not None and final_time <= state.close.locked_until:
        raise CloseSigned(state.channel_id, state.close.locked_until)
    return verified


def require_acceptable(
    state: ChannelState, clock: L1Clock, own_key_hash: int, policy: Policy
) -> VerifiedLeaf:
    """The verified leaf of a channel in which this side accepts vouchers at all.

    Raises RollupEnded, ChannelNotFinal, ChannelClosing, CloseSigned, JustRestored, L1TooOld,
    WindowNotAcceptable, KeyNotAcceptable.
    """
    if clock.exodus_start:
        raise RollupEnded(clock.exodus_start)
    verified = require_open(state, clock.final_time)
    if state.is_restored and not 0 < state.quiet_until < clock.final_time:
        raise JustRestored(state.channel_id, state.quiet_until)
    leaf = verified.leaf
    # The age of the newest final block in which this leaf was seen, not of just any final block.
    age_s = clock.age_s + max(0, clock.final_time - verified.l1_time)
    if age_s * FRESHNESS_DIVISOR >= leaf.window_s:
        raise L1TooOld(age_s, leaf.window_s // FRESHNESS_DIVISOR)
    if not policy.min_window_s <= leaf.window_s <= policy.max_window_s:
        raise WindowNotAcceptable(leaf.window_s)
    if leaf.key_hash(state.side) != own_key_hash:
        raise KeyNotAcceptable("this wallet")
    return verified


def sign_payment(
    state: ChannelState, payment: Payment, final_time: int, sign: Sign, trusted_ntok: int = 0
) -> tuple[ChannelState, Voucher]:
    """The payer's step: the next lane value, signed. `trusted_ntok`: the payee's trust limit.

    Raises ChannelNotFinal, ChannelClosing, CloseSigned, LaneFull, OverCapacity.
    """
    require_open(state, final_time)
    lane_value = payment.on(state.signed_lane)
    capacity_ntok = state.deposit_ntok(state.side) + lane_paid_ntok(state.received_lane)
    capacity_ntok += trusted_ntok
    if lane_paid_ntok(lane_value) > capacity_ntok:
        raise OverCapacity(lane_paid_ntok(lane_value), capacity_ntok)
    message = voucher_message(state.domain, state.channel_id, state.side, lane_value)
    voucher = Voucher(state.channel_id, state.side, lane_value, sign(message))
    return replace(state, signed=voucher), voucher


def accept_voucher(
    state: ChannelState,
    voucher: Voucher,
    payment: Payment,
    clock: L1Clock,
    own_key_hash: int,
    policy: Policy,
) -> ChannelState:
    """The payee's step: the state in which `voucher` is the highest one received.

    Raises WrongEpoch, WrongChannel, WrongLane, what `require_acceptable` raises, VoucherFalls,
    VoucherRepeats, AmountMismatch, LaneFull, OverCapacity, WrongVoucherKey, KeyNotAcceptable,
    BadVoucherSignature.
    """
    check_addressed(state, voucher, state.peer_side)
    verified = require_acceptable(state, clock, own_key_hash, policy)
    highest = state.received_lane
    if voucher.lane_value < highest:
        raise VoucherFalls(highest, voucher.lane_value)
    if voucher.lane_value == highest:
        raise VoucherRepeats(voucher.lane_value)
    if voucher.lane_value != payment.on(highest):
        raise AmountMismatch(payment.on(highest), voucher.lane_value)
    capacity_ntok = state.deposit_ntok(state.peer_side) + lane_paid_ntok(state.signed_lane)
    capacity_ntok += policy.trust_limit_ntok
    if lane_paid_ntok(voucher.lane_value) > capacity_ntok:
        raise OverCapacity(lane_paid_ntok(voucher.lane_value), capacity_ntok)
    check_signed(voucher, verified.leaf, state.domain)
    return replace(state, received=voucher)


def check_addressed(state: ChannelState, voucher: Voucher, lane: Lane) -> None:
    """Raises WrongEpoch, WrongChannel, WrongLane."""
    if voucher.channel_id != state.channel_id:
        if (voucher.channel_id ^ state.channel_id) & _ACCOUNTS_MASK == 0:
            raise WrongEpoch(state.channel_id >> 64, voucher.channel_id >> 64)
        raise WrongChannel(state.channel_id, voucher.channel_id)
    if voucher.lane is not lane:
        raise WrongLane(int(voucher.lane))


def check_signed(voucher: Voucher, leaf: Channel, domain: int) -> None:
    """Raises WrongVoucherKey, KeyNotAcceptable, BadVoucherSignature."""
    key: Point = voucher.signature.key
    if _key_hash(key) != leaf.key_hash(voucher.lane):
        raise WrongVoucherKey(voucher.channel_id)
    if not safe_key(key):
        raise KeyNotAcceptable("the payer")
    if not verify(voucher.signature, voucher.message(domain)):
        raise BadVoucherSignature(voucher.channel_id)


def adopt_signed(state: ChannelState, voucher: Voucher) -> ChannelState:
    """Take back a voucher of one's own that the peer shows: this store is older than the peer's.

    Raises ChannelNotFinal, WrongEpoch, WrongChannel, WrongLane, WrongVoucherKey,
    KeyNotAcceptable, BadVoucherSignature; returns the state as it is if nothing is new.
    """
    check_addressed(state, voucher, state.side)
    if voucher.lane_value <= state.signed_lane:
        return state
    return replace(_checked(state, voucher), signed=voucher)


def adopt_received(state: ChannelState, voucher: Voucher) -> ChannelState:
    """Take again what the peer says was acknowledged before: more money than is known here.

    Raises as `adopt_signed`; returns the state as it is if nothing is new.
    """
    check_addressed(state, voucher, state.peer_side)
    if voucher.lane_value <= state.received_lane:
        return state
    return replace(_checked(state, voucher), received=voucher)


def _checked(state: ChannelState, voucher: Voucher) -> ChannelState:
    if state.verified is None:
        raise ChannelNotFinal(state.channel_id)
    check_signed(voucher, state.verified.leaf, state.domain)
    return state


def mark_restored(state: ChannelState, final_time: int) -> ChannelState:
    """The state of a channel of which this store forgot something; quiet from `final_time` on."""
    quiet_until = state.quiet_until or final_time + RESTORED_QUIET_S
    return replace(state, is_restored=True, quiet_until=quiet_until)


def see_leaf(state: ChannelState, verified: VerifiedLeaf | None) -> ChannelState:
    """What the newest verified root says; None once the channel was there and is no more."""
    if verified is None:
        return replace(state, is_gone=state.verified is not None or state.is_gone)
    return replace(state, verified=verified, is_gone=False)
