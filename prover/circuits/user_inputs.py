"""Invariant: all that a user slot is given is ranged here, and what its type does not use is 0.

The inputs come from a trace of the executor (`user_inputs`); a missing part is all zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocol.channels import Channel
from protocol.crypto.field import R
from protocol.trace import UserTrace
from protocol.transactions import (
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transfer,
    TxType,
    Withdraw,
)
from protocol.units import AMOUNT_BITS, DOMAIN_BITS, LANE_BITS, TIME_BITS
from protocol.windows import ProofWindows
from prover.circuits.account_leaf import AccountLanes, input_lanes, lanes_inputs
from prover.circuits.channel_leaf import ChannelFields, LaneValue, channel_inputs, input_channel
from prover.circuits.conditions import enforce_zero_if
from prover.circuits.kinds import Kind, input_kind
from prover.circuits.shared_bits import input_money, input_owner_or_lanes, shared_inputs
from prover.circuits.tree_place import TreePlace
from prover.circuits.windows import (
    ACCOUNTS1,
    ACCOUNTS2,
    CHANNELS,
    AccountPlace,
    WindowWires,
    account_place_inputs,
    channel_place_inputs,
    input_account_place,
    input_channel_place,
    link_window,
)
from prover.gadgets.bits import input_bit, input_uint, unsafe_uint
from prover.gadgets.schnorr import DUMMY, SignatureWires, input_signature, signature_inputs
from prover.gadgets.select import masked
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc, Uint


@dataclass(frozen=True, slots=True)
class UserSlot:
    """What a user slot is about, before any rule: links, type, leaves as they are, what is signed.

    Where the type reads them: l1_address and nonce are account 1's, lane_ab and lane_ba the lanes
    afterwards. grown_ab and grown_ba are by how much each lane grows, 0 where lanes are not read.
    side: whose signature or lane, 0 for A and ab.
    """

    account_windows: tuple[WindowWires, WindowWires]
    channel_window: WindowWires
    domain: Uint
    l1_time: Uint
    queue_covered: Uint
    kind: Kind
    place_1: AccountPlace
    account_1: AccountLanes
    l1_address: Uint
    nonce: Uint
    place_2: AccountPlace
    account_2: AccountLanes
    place_c: TreePlace
    channel: ChannelFields
    lane_ab: LaneValue
    lane_ba: LaneValue
    grown_ab: Lc
    grown_ba: Lc
    side: Bit
    amount_ntok: Uint
    fee_ntok: Uint
    valid_until: Uint
    signature_1: SignatureWires
    signature_2: SignatureWires


def input_user_slot(b: Builder) -> UserSlot:
    """All inputs of a slot, ranged. The links' ranges are the business of those who export them."""
    account_windows = link_window(b, ACCOUNTS1), link_window(b, ACCOUNTS2)
    channel_window = link_window(b, CHANNELS)
    domain = unsafe_uint(b.link("domain"), DOMAIN_BITS)
    l1_time = unsafe_uint(b.link("l1_time"), TIME_BITS)
    queue_covered = unsafe_uint(b.link("queue_covered"), TIME_BITS)
    kind = input_kind(b)
    with b.scope("account1"):
        place_1, account_1 = input_account_place(b), input_lanes(b)
        account_1.enforce_blank_if(b, _off(kind.on_account_1), "blank")
    with b.scope("account2"):
        place_2, account_2 = input_account_place(b), input_lanes(b)
        account_2.enforce_blank_if(b, _off(kind.on_account_2), "blank")
    with b.scope("channel"):
        place_c, channel = input_channel_place(b), input_channel(b, kind.on_channel)
        channel.enforce_fresh_if(b, Bit((1 - kind.on_channel + kind.open).terms))
        channel.enforce_nameless_if(b, _off(kind.on_channel))
    word = input_owner_or_lanes(b, kind.reads_lanes, account_1.owner)
    with b.scope("growth"):
        change_ab = word.lane_ab.value - channel.lane_ab
        change_ba = word.lane_ba.value - channel.lane_ba
        grown_ab = masked(b, kind.reads_lanes, change_ab, label="ab")
        grown_ba = masked(b, kind.reads_lanes, change_ba, label="ba")
    amount_ntok, fee_ntok = input_money(b, kind, grown_ab)
    with b.scope("signed"):
        side = input_bit(b, "side")
        valid_until = input_uint(b, "valid_until", TIME_BITS)
        enforce_zero_if(b, _off(kind.by_side), side, label="no side")
        enforce_zero_if(b, _off(kind.expires), valid_until, label="no expiry")
    return UserSlot(
        account_windows=account_windows,
        channel_window=channel_window,
        domain=domain,
        l1_time=l1_time,
        queue_covered=queue_covered,
        kind=kind,
        place_1=place_1,
        account_1=account_1,
        l1_address=word.l1_address,
        nonce=word.nonce,
        place_2=place_2,
        account_2=account_2,
        place_c=place_c,
        channel=channel,
        lane_ab=word.lane_ab,
        lane_ba=word.lane_ba,
        grown_ab=grown_ab,
        grown_ba=grown_ba,
        side=side,
        amount_ntok=amount_ntok,
        fee_ntok=fee_ntok,
        valid_until=valid_until,
        signature_1=input_signature(b, "signature1"),
        signature_2=input_signature(b, "signature2"),
    )


def _off(bit: Bit) -> Bit:
    return Bit((1 - bit).terms)


def user_inputs(trace: UserTrace | None, windows: ProofWindows) -> dict[str, int]:
    """The inputs of a user slot but its links; None for a NOOP. windows: its proof's."""
    if trace is None:
        inputs = {"kind/type": int(TxType.NOOP)}
    else:
        inputs = {"kind/type": int(trace.transaction.body.TYPE)}
    first, second = (trace.account_1, trace.account_2) if trace else (None, None)
    inputs |= account_place_inputs("account1", first, windows)
    inputs |= lanes_inputs("account1", first.before if first else None)
    inputs |= account_place_inputs("account2", second, windows)
    inputs |= lanes_inputs("account2", second.before if second else None)
    inputs |= channel_place_inputs("channel", trace.channel if trace else None)
    inputs |= channel_inputs("channel", _channel_before(trace))
    inputs |= _signed(trace) | _shared(trace, inputs)
    signatures = trace.transaction.signatures if trace else ()
    for number, signature in enumerate((*signatures, DUMMY, DUMMY)[:2], start=1):
        inputs |= signature_inputs(f"signature{number}", signature)
    return inputs


def _channel_before(trace: UserTrace | None) -> Channel | None:
    """The leaf before; for an OPEN the new one with nothing in it."""
    update = trace.channel if trace else None
    if trace is None or update is None:
        return None
    if isinstance(trace.transaction.body, Open):
        assert update.after is not None
        return replace(update.after, deposit_a_ntok=0)
    return update.before


def _shared(trace: UserTrace | None, inputs: dict[str, int]) -> dict[str, int]:
    """The words that types share; `inputs` has the leaves before."""
    lanes, money = None, 0
    match trace.transaction.body if trace else None:
        case Claim() | Finalize():
            assert trace is not None
            assert trace.channel is not None
            leaf = trace.channel.after or trace.channel.before
            assert leaf is not None
            lanes = leaf.lane_ab, leaf.lane_ba
        case Close() as body:
            lanes = body.lane_ab, body.lane_ba
        case Transfer() | Withdraw() | TopUp() as body:
            money = body.amount_ntok + (body.fee_ntok << AMOUNT_BITS)
        case Open() as body:
            money = body.deposit_ntok + (body.fee_ntok << AMOUNT_BITS)
        case StartClose() | None:
            pass
    if lanes is None:
        return shared_inputs(inputs["account1/owner"], money)
    grown_ab = (lanes[0] - inputs["channel/lane_ab/value"]) % R
    return shared_inputs(lanes[0] + (lanes[1] << LANE_BITS), grown_ab)


def _signed(trace: UserTrace | None) -> dict[str, int]:
    side = valid_until = 0
    match trace.transaction.body if trace else None:
        case Transfer() | Withdraw() | Open() | Close() as body:
            valid_until = body.valid_until
        case TopUp() | StartClose() as body:
            side, valid_until = int(body.side), body.valid_until
        case Claim() as body:
            side = int(body.lane)
        case Finalize() | None:
            pass
    return {"signed/side": side, "signed/valid_until/value": valid_until}
