"""Random queue ops for a street: about half apply, the others are wrong in one way or in all."""

from __future__ import annotations

import random
from dataclasses import replace

from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import IDENTITY, SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature
from protocol.queue import (
    Deposit,
    ForcedClaim,
    ForcedExit,
    ForcedFinalize,
    ForcedStartClose,
    KeyChange,
    NewAccount,
    OpType,
    QueueOp,
)
from protocol.state import State
from protocol.trace import Context
from protocol.vouchers import voucher_message
from tests.protocol.street import Home, home

KINDS = [kind for kind in OpType if kind is not OpType.NONE]
SPARE = 1 << 20
"""home(SPARE + i) has the key that home i changes to."""


def elements(rng: random.Random) -> int:
    """Any element, often one at an edge."""
    edges = (0, 1, R - 1, SUBGROUP_ORDER, SUBGROUP_ORDER - 1, 2**128)
    return rng.choice(edges) if rng.random() < 0.5 else rng.randrange(R)


def queue_op(
    rng: random.Random, state: State, context: Context, homes: tuple[Home, ...], number: int
) -> QueueOp:
    """An op on one of these homes' accounts, or on a channel that exists or does not."""
    one, payer = rng.choice(homes), rng.getrandbits(160)
    time = context.l1_time - rng.randrange(1_000)
    sender = one.l1_address if rng.random() < 0.7 else rng.choice((0, payer))
    amount = rng.choice((0, 1_000_000, 5_000_000, 2**64 - 1 if rng.random() < 0.1 else 7))
    match rng.choice(KINDS):
        case OpType.NEW_ACCOUNT:
            new = [other for other in homes if state.find_account(other.index) is None]
            one = rng.choice(new) if new and rng.random() < 0.6 else one
            key = one.key_hash if rng.random() < 0.9 else elements(rng)
            return NewAccount(number, time, one.index, key, one.l1_address, amount, payer)
        case OpType.DEPOSIT:
            return Deposit(number, time, one.index, amount, payer)
        case OpType.KEY_CHANGE:
            key = rng.choice((one, home(SPARE + one.index))).key_hash
            key = key if rng.random() < 0.9 else elements(rng)
            return KeyChange(number, time, one.index, key, sender)
        case OpType.FORCED_EXIT:
            # as often as not of a stranger: who has left pays nobody any more
            sender = sender if rng.random() < 0.5 else payer
            return ForcedExit(number, time, one.index, sender)
        case kind:
            return _on_channel(rng, state, context, kind, number, time, payer)


def _on_channel(
    rng: random.Random,
    state: State,
    context: Context,
    kind: OpType,
    number: int,
    time: int,
    payer: int,
) -> QueueOp:
    slots = sorted(state.channels)
    if not slots or rng.random() < 0.1:
        slot, epoch, lane = rng.choice((3, 2**24 - 1)), rng.choice((0, 2**32 - 1)), Lane.AB
        if kind is OpType.FORCED_START_CLOSE:
            return ForcedStartClose(number, time, slot, epoch, lane, payer)
        if kind is OpType.FORCED_FINALIZE:
            return ForcedFinalize(number, time, slot, epoch, payer)
        return ForcedClaim(number, time, slot, epoch, lane, 5, _garbage(rng), payer)
    wanted = Status.CLOSING if kind is OpType.FORCED_FINALIZE else Status.OPEN
    fitting = [slot for slot in slots if state.channels[slot].status is wanted]
    slot = rng.choice(fitting if fitting and rng.random() < 0.7 else slots)
    channel = state.channels[slot]
    epoch, side = channel.epoch + (rng.random() < 0.05), Lane(rng.randrange(2))
    if kind is OpType.FORCED_START_CLOSE:
        index = (channel.a_index, channel.b_index)[side]
        sender = state.account(index).l1_address if rng.random() < 0.6 else payer
        return ForcedStartClose(number, time, slot, epoch, side, sender)
    if kind is OpType.FORCED_FINALIZE:
        late = rng.choice((time, channel.deadline, max(channel.deadline - 1, 0)))
        return ForcedFinalize(number, late, slot, epoch, payer)
    return _claim(rng, context, channel, number, time, slot, epoch, side, payer)


def _claim(
    rng: random.Random,
    context: Context,
    channel: Channel,
    number: int,
    time: int,
    slot: int,
    epoch: int,
    lane: Lane,
    payer: int,
) -> ForcedClaim:
    step = pack_lane(rng.randrange(5_000), rng.randrange(200_000))
    value = min(channel.lane(lane) + step, 2**96 - 1)
    if rng.random() < 0.15:
        value = rng.choice((0, channel.lane(lane), max(channel.lane(lane) - 1, 0), 2**96 - 1))
    signer = holder_of(channel.key_hash(lane), (channel.a_index, channel.b_index)[lane])
    signature = signer.sign(voucher_message(context.domain, channel.id, lane, value))
    op = ForcedClaim(number, time, slot, epoch, lane, value, signature, payer)
    if rng.random() < 0.65:
        return op
    bent = op.signature
    match rng.randrange(8):
        case 0:
            return replace(op, signature=replace(bent, s=bent.s + SUBGROUP_ORDER))
        case 1:
            return replace(op, signature=replace(bent, s=elements(rng)))
        case 2:
            return replace(op, signature=replace(bent, r=Point(elements(rng), elements(rng))))
        case 3:
            return replace(op, signature=replace(bent, key=Point(bent.key.x, bent.key.y ^ 1)))
        case 4:
            return replace(op, signature=Signature(IDENTITY, IDENTITY, 0))
        case 5:
            return replace(op, signature=_garbage(rng))
        case 6:
            return replace(op, lane=Lane(1 - lane))
        case _:
            return replace(op, lane_value=value ^ 1)


def _garbage(rng: random.Random) -> Signature:
    key, r = (Point(elements(rng), elements(rng)) for _ in range(2))
    return Signature(key, r, elements(rng))


def holder_of(key_hash: int, index: int) -> Home:
    """Who signs for account `index` under this key: its home with the first key or with the spare.

    Its first one for a key that nobody has: what it signs is refused.
    """
    first, spare = home(index), home(SPARE + index)
    if key_hash == spare.key_hash:
        return replace(first, secret=spare.secret)
    return first
