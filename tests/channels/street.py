"""Two neighbours with fixed keys and a channel between them, for tests of the pure rules."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from channels.lanes import ChannelState, L1Clock, Payment, Sign, VerifiedLeaf
from channels.policy import DEFAULT_POLICY, Policy
from protocol.channels import Channel, Lane, Status
from protocol.crypto.schnorr import Signature, key_hash, public_key, sign
from protocol.units import DAY_S
from protocol.vouchers import Voucher, voucher_message

DOMAIN = 0xD0
NOW = 2_000_000_000
WINDOW_S = 2 * DAY_S
DEPOSIT_NTOK = 10_000
CLOCK = L1Clock(final_time=NOW, age_s=12)

_fresh = itertools.count(1)


def signer(secret: int) -> Sign:
    """Signs with deterministic, never repeated, "fresh" bytes."""

    def one(message: int) -> Signature:
        return sign(secret, message, next(_fresh).to_bytes(32, "big"))

    return one


@dataclass(frozen=True)
class Home:
    """A neighbour's keys and account number."""

    index: int
    secret: int

    @property
    def key_hash(self) -> int:
        """What the state knows of the key."""
        return key_hash(public_key(self.secret))

    @property
    def sign(self) -> Sign:
        """The home's signing function."""
        return signer(self.secret)


ANN = Home(index=3, secret=0x1234567)
BEN = Home(index=9, secret=0x7654321)
EVE = Home(index=12, secret=0x55555)


def leaf(
    *,
    epoch: int = 5,
    status: Status = Status.OPEN,
    window_s: int = WINDOW_S,
    deposit_a_ntok: int = DEPOSIT_NTOK,
    deposit_b_ntok: int = 0,
    lane_ab: int = 0,
    lane_ba: int = 0,
    key_hash_a: int | None = None,
    key_hash_b: int | None = None,
) -> Channel:
    """Ann's channel with Ben."""
    return Channel(
        a_index=ANN.index,
        b_index=BEN.index,
        epoch=epoch,
        window_s=window_s,
        status=status,
        deadline=0 if status is Status.OPEN else NOW + window_s,
        deposit_a_ntok=deposit_a_ntok,
        deposit_b_ntok=deposit_b_ntok,
        lane_ab=lane_ab,
        lane_ba=lane_ba,
        key_hash_a=ANN.key_hash if key_hash_a is None else key_hash_a,
        key_hash_b=BEN.key_hash if key_hash_b is None else key_hash_b,
    )


LEAF = leaf()


def state_of(side: Lane, channel: Channel = LEAF, l1_time: int = NOW) -> ChannelState:
    """One side's state with the leaf verified."""
    return ChannelState(DOMAIN, channel.id, side, VerifiedLeaf(0, channel, 1, l1_time))


def ann(channel: Channel = LEAF) -> ChannelState:
    """Side A."""
    return state_of(Lane.AB, channel)


def ben(channel: Channel = LEAF) -> ChannelState:
    """Side B."""
    return state_of(Lane.BA, channel)


def voucher(
    lane_value: int,
    *,
    by: Home = ANN,
    channel_id: int = LEAF.id,
    lane: Lane = Lane.AB,
    domain: int = DOMAIN,
) -> Voucher:
    """A voucher, well signed by `by`."""
    message = voucher_message(domain, channel_id, lane, lane_value)
    return Voucher(channel_id, lane, lane_value, by.sign(message))


def unverified(state: ChannelState) -> ChannelState:
    """The state of a channel that is in no final root."""
    return replace(state, verified=None)


PAYMENT = Payment(energy_wh=5, price_utok_per_kwh=200)
POLICY: Policy = DEFAULT_POLICY
