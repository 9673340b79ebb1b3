"""A rule forbids it: nothing was signed, accepted or changed."""

from __future__ import annotations

from dataclasses import dataclass

from channels.errors.base import ChannelsError


class Refused(ChannelsError):
    """Base: a rule forbids it. Nothing was signed, accepted or changed."""


@dataclass
class BadPayment(Refused):
    """Energy, price or their product is 0, negative, fractional or too large."""

    field: str
    given: object

    def __str__(self) -> str:
        return f"{self.field} = {self.given!r}: a payment needs whole numbers above 0 in range"


@dataclass
class LaneFull(Refused):
    """The lane's energy (2^40 Wh) or money (2^56 ntok) would overflow."""

    energy_wh: int
    paid_ntok: int

    def __str__(self) -> str:
        return (
            f"the lane cannot carry {self.energy_wh} Wh and {self.paid_ntok} ntok in all; "
            "close the channel and open a new one"
        )


@dataclass
class OverCapacity(Refused):
    """The lane would carry more than the payer can pay out of this channel."""

    paid_ntok: int
    capacity_ntok: int

    def __str__(self) -> str:
        return (
            f"the lane would stand at {self.paid_ntok} ntok, "
            f"its payer is good for {self.capacity_ntok} ntok; top up first"
        )


@dataclass
class ChannelNotFinal(Refused):
    """The channel's OPEN is not (yet) in a verified root that L1 holds final."""

    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is not in a root that L1 holds final; wait for it"


@dataclass
class ChannelClosing(Refused):
    """The channel is closing on chain, closed, or about to be closed by one of the sides."""

    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is closing or closed; open a new one"


@dataclass
class NothingToForce(Refused):
    """A forced op that L1 would process without any effect; nothing was sent."""

    channel_id: int
    reason: str

    def __str__(self) -> str:
        return f"nothing to force in channel {self.channel_id:#x}: {self.reason}"


@dataclass
class CloseSigned(Refused):
    """A CLOSE was signed: its lanes stand until it can no longer land, and a day more."""

    channel_id: int
    locked_until: int

    def __str__(self) -> str:
        return (
            f"a CLOSE of channel {self.channel_id:#x} is signed; "
            f"no voucher before L1 time {self.locked_until}"
        )


@dataclass
class RestoredStale(Refused):
    """This node was restored: it may hold less than it was paid, and signs no CLOSE for others."""

    channel_id: int

    def __str__(self) -> str:
        return (
            f"channel {self.channel_id:#x} was restored from a backup, which may lack income: its "
            "owner closes it, or the neighbour closes it by force"
        )


@dataclass
class JustRestored(Refused):
    """This node was restored: it may have signed a CLOSE that it does not remember."""

    channel_id: int
    quiet_until: int

    def __str__(self) -> str:
        return (
            f"channel {self.channel_id:#x} was restored from a backup: a CLOSE signed since could "
            f"still land, so nothing is accepted in it before L1 time {self.quiet_until or 'known'}"
        )


@dataclass
class SecondCopy(Refused):
    """Another copy of this node has signed: this one signs and accepts nothing any more."""

    reason: str

    def __str__(self) -> str:
        return (
            f"this copy of the node has stopped: {self.reason}. Run one copy only; if this is the "
            "one to keep, stop the other, stop this, and run `wattlane node recover` here"
        )


@dataclass
class CopySuperseded(Refused):
    """A frame from a copy of a neighbour's node that is not its newest, or did not say which."""

    account_index: int

    def __str__(self) -> str:
        return f"this is not the newest copy of account {self.account_index}'s node"


@dataclass
class L1TooOld(Refused):
    """The newest final L1 block is older than a quarter of the channel's window."""

    age_s: int
    limit_s: int

    def __str__(self) -> str:
        return (
            f"the newest final L1 block is {self.age_s} s old, more than {self.limit_s} s: "
            "nothing is accepted until L1 can be seen again"
        )


@dataclass
class RollupEnded(Refused):
    """The exodus has started on L1: what is accepted now might not get into it."""

    exodus_start: int

    def __str__(self) -> str:
        return (
            f"the exodus started at L1 time {self.exodus_start}: no voucher is accepted any more; "
            "`wattlane exit` takes the money out"
        )


@dataclass
class WindowNotAcceptable(Refused):
    """The challenge window is outside what this node's owner allows."""

    window_s: int

    def __str__(self) -> str:
        return f"a challenge window of {self.window_s} s is not acceptable to this node"


@dataclass
class KeyNotAcceptable(Refused):
    """A pinned key is not this wallet's, or the peer's key is not a safe one."""

    who: str

    def __str__(self) -> str:
        return f"the key of {self.who} is not acceptable in this channel"


@dataclass
class UnknownChannel(Refused):
    """This node has no such channel."""

    channel_id: int

    def __str__(self) -> str:
        return f"channel {self.channel_id:#x} is not known here"


@dataclass
class WrongChannel(Refused):
    """A voucher of another channel."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"a voucher for channel {self.given:#x} came in channel {self.expected:#x}"


@dataclass
class WrongEpoch(Refused):
    """A voucher of an earlier (or later) channel between the same two accounts."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"a voucher of epoch {self.given} came in a channel of epoch {self.expected}"


@dataclass
class WrongLane(Refused):
    """A voucher over the lane that this node signs itself."""

    lane: int

    def __str__(self) -> str:
        return f"lane {self.lane} is not the sender's to sign"


@dataclass
class WrongVoucherKey(Refused):
    """The voucher's key is not the one pinned in the channel."""

    channel_id: int

    def __str__(self) -> str:
        return f"the voucher's key is not the one pinned in channel {self.channel_id:#x}"


@dataclass
class BadVoucherSignature(Refused):
    """The signature does not verify over this rollup, channel, lane and value."""

    channel_id: int

    def __str__(self) -> str:
        return f"the voucher's signature in channel {self.channel_id:#x} does not verify"


@dataclass
class VoucherFalls(Refused):
    """The lane value is below the highest one that came before."""

    highest: int
    given: int

    def __str__(self) -> str:
        return f"lane value {self.given} falls below {self.highest}"


@dataclass
class VoucherRepeats(Refused):
    """The lane value is the highest one that came before."""

    given: int

    def __str__(self) -> str:
        return f"lane value {self.given} was accepted before; a payment must raise it"


@dataclass
class AmountMismatch(Refused):
    """The voucher does not raise the lane by exactly the energy and money announced."""

    expected: int
    given: int

    def __str__(self) -> str:
        return f"the voucher says {self.given}, this payment leads to {self.expected}"


@dataclass
class CloseMismatch(Refused):
    """A CLOSE whose lanes or deposits are not exactly those that both sides hold."""

    what: str
    expected: int
    given: int

    def __str__(self) -> str:
        return f"the CLOSE has {self.what} = {self.given}, this node has {self.expected}"


@dataclass
class CloseExpiry(Refused):
    """A CLOSE that is expired, or could land more than an hour from now."""

    valid_until: int
    l1_time: int

    def __str__(self) -> str:
        return f"valid_until {self.valid_until} is not within the hour after L1 time {self.l1_time}"


@dataclass
class PaymentIdReused(Refused):
    """The same payment_id came with another energy, price or channel."""

    payment_id: str

    def __str__(self) -> str:
        return f"payment {self.payment_id} was made before with other terms; use a new payment_id"


@dataclass
class PaymentsInFlight(Refused):
    """A close was asked for while vouchers are not yet acknowledged."""

    channel_id: int
    count: int

    def __str__(self) -> str:
        return (
            f"{self.count} payments in channel {self.channel_id:#x} are not acknowledged; "
            "wait for the peer, or force the close"
        )
