"""Invariant: every field of a queue slot has its range here, and what an op does not use is 0.

An op's seven elements are what L1 says, so a field that only travels (an A.x, a key hash) is any
element, as L1 lets it in. Element 0 and element 1 split in one way: all their fields are ranged.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.queue import OpType
from protocol.state import AccountUpdate
from protocol.trace import QueueTrace
from protocol.units import (
    ADDRESS_BITS,
    AMOUNT_BITS,
    DOMAIN_BITS,
    LANE_BITS,
    NONCE_BITS,
    TIME_BITS,
)
from prover.circuits.account_leaf import AccountLanes, input_lanes, lanes_inputs
from prover.circuits.channel_leaf import LaneValue
from prover.circuits.conditions import enforce_zero_if, one_of
from prover.circuits.queue_channel import HeldChannel, held_channel_inputs, input_held_channel
from prover.circuits.queue_kinds import OpKind, input_op_kind
from prover.circuits.shared_bits import input_owner_or_lanes
from prover.circuits.tree_place import TreePlace, input_place, place_inputs
from prover.gadgets.bits import enforce_bits, input_bit, input_uint, uint_of_bits, unsafe_uint
from prover.gadgets.schnorr import SignatureWires
from prover.gadgets.select import enforce_equal_if, is_both, masked
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint

_INDEX_SHIFT = 8
_SIDE_SHIFT = 32
_TIME_SHIFT = 40
_EPOCH_SHIFT = 80
_WORD_BITS = ADDRESS_BITS + AMOUNT_BITS
_FREE_ELEMENTS = range(2, 7)
"""Elements that are any field element: a key hash or A.x, A.y, R.x, R.y, s."""


@dataclass(frozen=True, slots=True)
class OpWires:
    """An op as L1 says it. address, amount and lane value are readings of element 1: the owner or
    sender and what it brings, or the claimed lane. free: elements 2 to 6."""

    enqueue_time: Uint
    side: Bit
    epoch: Uint
    word: Lc
    address: Uint
    amount_ntok: Uint
    lane_value: Uint
    free: tuple[Lc, ...]

    @property
    def key_hash(self) -> Lc:
        """What NEW_ACCOUNT and KEY_CHANGE put in: element 2."""
        return self.free[0]

    @property
    def signature(self) -> SignatureWires:
        """What FORCED_CLAIM carries: elements 2 to 6."""
        return SignatureWires(*self.free)


@dataclass(frozen=True, slots=True)
class AccountWires:
    """An account that a slot looks at: where, whether there is one, its lanes (0 if not)."""

    active: Bit
    place: TreePlace
    exists: Bit
    lanes: AccountLanes


@dataclass(frozen=True, slots=True)
class QueueSlot:
    """A queue slot's wires. head: element 0.

    l1_address and nonce are account 1's where the sender counts; lane_ab and lane_ba are the
    channel's lanes everywhere else.
    """

    domain: Uint
    l1_time: Uint
    kind: OpKind
    op: OpWires
    head: Lc
    account_1: AccountWires
    account_2: AccountWires
    held: HeldChannel
    l1_address: Uint
    nonce: Uint
    lane_ab: LaneValue
    lane_ba: LaneValue

    @property
    def elements(self) -> tuple[Lc, ...]:
        """The seven message elements that L1 says."""
        return self.head, self.op.word, *self.op.free


def _input_op(b: Builder, kind: OpKind) -> OpWires:
    """The op but its index. 309 constraints."""
    with b.scope("op"):
        enqueue_time = input_uint(b, "enqueue_time", TIME_BITS)
        side, epoch = input_bit(b, "side"), input_uint(b, "epoch", NONCE_BITS)
        with b.scope("word"):
            word = b.input("value")
            bits = enforce_bits(b, word, _WORD_BITS)
        address, amount_ntok = uint_of_bits(bits[:ADDRESS_BITS]), uint_of_bits(bits[ADDRESS_BITS:])
        free = tuple(b.input(f"element{i}") for i in _FREE_ELEMENTS)
        enforce_zero_if(b, kind.none, enqueue_time, label="no time")
        enforce_zero_if(b, ~kind.by_side, side, label="no side")
        enforce_zero_if(b, ~kind.on_channel, epoch, label="no epoch")
        enforce_zero_if(b, one_of(kind.none, kind.forced_finalize), address, label="no address")
        enforce_zero_if(b, ~kind.brings_money, amount_ntok, label="no amount")
        above = uint_of_bits(bits[LANE_BITS:ADDRESS_BITS])
        enforce_zero_if(b, kind.forced_claim, above, label="a lane value")
        enforce_zero_if(b, ~one_of(kind.brings_key, kind.forced_claim), free[0], label="no key")
        enforce_zero_if(b, ~kind.forced_claim, *free[1:], label="no signature")
    return OpWires(
        enqueue_time=enqueue_time,
        side=side,
        epoch=epoch,
        word=word,
        address=address,
        amount_ntok=amount_ntok,
        lane_value=uint_of_bits(bits[:LANE_BITS]),
        free=free,
    )


def _input_account(b: Builder, active: Bit, scope: str) -> AccountWires:
    """31 constraints."""
    with b.scope(scope):
        place, lanes = input_place(b), input_lanes(b)
        exists = input_bit(b, "exists")
        lanes.enforce_blank_if(b, ~exists, "empty leaf")
        enforce_zero_if(b, ~active, exists, label="inactive")
    return AccountWires(active, place, exists, lanes)


def input_queue_slot(b: Builder) -> QueueSlot:
    """All inputs of a slot, ranged: 896 constraints. Links are ranged by those who export them."""
    domain = unsafe_uint(b.link("domain"), DOMAIN_BITS)
    l1_time = unsafe_uint(b.link("l1_time"), TIME_BITS)
    kind = input_op_kind(b)
    op = _input_op(b, kind)
    held = input_held_channel(b, kind.on_channel)
    channel = held.fields
    with b.scope("parties"):
        as_party = is_both(b, kind.names_party, held.occupied, label="account 1 is a party")
        pays_both = is_both(b, kind.forced_finalize, held.occupied, label="both are looked at")
    account_1 = _input_account(b, one_of(kind.on_account, as_party), "account1")
    account_2 = _input_account(b, pays_both, "account2")
    first, second = account_1.place.index, account_2.place.index
    with b.scope("parties"):
        # An empty slot's a and b are 0, as is the index of an account that is not looked at.
        party = b.mul(channel.b_index - channel.a_index, op.side, channel.a_index, label="party")
        enforce_equal_if(b, kind.names_party, first, party, label="account 1 is the side's")
        enforce_equal_if(b, pays_both, second, channel.b_index, label="account 2 is B's")
        named = masked(b, kind.on_account, first, label="account named")
    word = input_owner_or_lanes(b, ~kind.by_owner, account_1.lanes.owner)
    with b.scope("owner_or_lanes"):
        ab, ba = word.lane_ab.value, word.lane_ba.value
        enforce_equal_if(b, ~kind.by_owner, ab, channel.lane_ab, label="lane ab")
        enforce_equal_if(b, ~kind.by_owner, ba, channel.lane_ba, label="lane ba")
    return QueueSlot(
        domain=domain,
        l1_time=l1_time,
        kind=kind,
        op=op,
        head=Lc.total(
            (
                (1, kind.number),
                (1 << _INDEX_SHIFT, named),
                (1 << _INDEX_SHIFT, held.place.index),
                (1 << _SIDE_SHIFT, op.side),
                (1 << _TIME_SHIFT, op.enqueue_time),
                (1 << _EPOCH_SHIFT, op.epoch),
            )
        ),
        account_1=account_1,
        account_2=account_2,
        held=held,
        l1_address=word.l1_address,
        nonce=word.nonce,
        lane_ab=word.lane_ab,
        lane_ba=word.lane_ba,
    )


def _account_inputs(scope: str, update: AccountUpdate | None) -> dict[str, int]:
    """The inputs of `_input_account`; None for an inactive one."""
    place = place_inputs(scope, update.index, update.siblings) if update else place_inputs(scope)
    before = update.before if update else None
    exists = {f"{scope}/exists": int(before is not None)}
    return place | exists | lanes_inputs(scope, before)


def queue_inputs(trace: QueueTrace | None) -> dict[str, int]:
    """The inputs of a queue slot but its links; None for an unused one."""
    elements = trace.op.elements() if trace else (0,) * 7
    head, word, *free = elements
    inputs = _account_inputs("account1", trace.account_1 if trace else None)
    inputs |= _account_inputs("account2", trace.account_2 if trace else None)
    inputs |= held_channel_inputs(trace.channel if trace else None)
    inputs |= {
        "kind/type": head & 0xFF,
        "op/side": head >> _SIDE_SHIFT & 1,
        "op/enqueue_time/value": head >> _TIME_SHIFT & (1 << TIME_BITS) - 1,
        "op/epoch/value": head >> _EPOCH_SHIFT,
        "op/word/value": word,
        **{f"op/element{i}": value for i, value in zip(_FREE_ELEMENTS, free, strict=True)},
    }
    if head & 0xFF in _BY_OWNER:
        shared = inputs["account1/owner"]
    else:
        shared = inputs["channel/lane_ab"] + (inputs["channel/lane_ba"] << LANE_BITS)
    return inputs | {"owner_or_lanes/value": shared}


_BY_OWNER = (OpType.KEY_CHANGE, OpType.FORCED_EXIT, OpType.FORCED_START_CLOSE)
