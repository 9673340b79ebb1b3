"""Invariant: all that a user slot is given is ranged here, and what its type does not use is 0.

The inputs come from a trace of the executor (`user_inputs`); a missing part is all zeros.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from protocol.crypto.schnorr import Signature
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
from protocol.units import AMOUNT_BITS, DOMAIN_BITS, FEE_BITS, TIME_BITS
from protocol.windows import ProofWindows
from prover.circuits.account_leaf import (
    AccountFields,
    Signer,
    fields_inputs,
    input_fields,
    input_signer,
    signer_inputs,
)
from prover.circuits.channel_leaf import (
    ChannelFields,
    LaneValue,
    channel_inputs,
    input_channel,
    input_lane,
    lane_inputs,
)
from prover.circuits.conditions import enforce_zero_if
from prover.circuits.kinds import Kind, input_kind
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
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Uint


@dataclass(frozen=True, slots=True)
class UserSlot:
    """What a user slot is about, before any rule: links, type, leaves as they are, what is signed.

    lane_ab, lane_ba: the lanes afterwards. side: whose signature or lane, 0 for A and ab.
    """

    account_windows: tuple[WindowWires, WindowWires]
    channel_window: WindowWires
    domain: Uint
    l1_time: Uint
    queue_covered: Uint
    kind: Kind
    place_1: AccountPlace
    account_1: Signer
    place_2: AccountPlace
    account_2: AccountFields
    place_c: TreePlace
    channel: ChannelFields
    lane_ab: LaneValue
    lane_ba: LaneValue
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
        place_1, account_1 = input_account_place(b), input_signer(b)
        account_1.fields.lanes.enforce_blank_if(b, _off(kind.on_account_1), "blank")
    with b.scope("account2"):
        place_2, account_2 = input_account_place(b), input_fields(b)
        account_2.lanes.enforce_blank_if(b, _off(kind.on_account_2), "blank")
    with b.scope("channel"):
        place_c, channel = input_channel_place(b), input_channel(b)
        channel.enforce_fresh_if(b, Bit((1 - kind.on_channel + kind.open).terms))
        channel.enforce_nameless_if(b, _off(kind.on_channel))
        lane_ab, lane_ba = input_lane(b, "new_ab"), input_lane(b, "new_ba")
    with b.scope("signed"):
        side = input_bit(b, "side")
        amount_ntok = input_uint(b, "amount", AMOUNT_BITS)
        fee_ntok = input_uint(b, "fee", FEE_BITS)
        valid_until = input_uint(b, "valid_until", TIME_BITS)
        enforce_zero_if(b, _off(kind.by_side), side, label="no side")
        money = amount_ntok + fee_ntok * (1 << AMOUNT_BITS)
        enforce_zero_if(b, _off(kind.spends), money, label="no money")
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
        place_2=place_2,
        account_2=account_2,
        place_c=place_c,
        channel=channel,
        lane_ab=lane_ab,
        lane_ba=lane_ba,
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
    inputs |= signer_inputs("account1", first.before if first else None)
    inputs |= account_place_inputs("account2", second, windows)
    inputs |= fields_inputs("account2", second.before if second else None)
    inputs |= _channel(trace) | _signed(trace)
    signatures = trace.transaction.signatures if trace else ()
    for number, signature in enumerate(_padded(signatures), start=1):
        inputs |= signature_inputs(f"signature{number}", signature)
    return inputs


def _padded(signatures: tuple[Signature, ...]) -> tuple[Signature, ...]:
    return (*signatures, DUMMY, DUMMY)[:2]


def _channel(trace: UserTrace | None) -> dict[str, int]:
    update = trace.channel if trace else None
    if trace is None or update is None:
        fields, lanes = None, (0, 0)
    else:
        fields, lanes = update.before, _lanes_after(trace)
        if isinstance(trace.transaction.body, Open):
            assert update.after is not None
            fields = replace(update.after, deposit_a_ntok=0)
    inputs = channel_place_inputs("channel", update) | channel_inputs("channel", fields)
    return (
        inputs | lane_inputs("channel/new_ab", lanes[0]) | lane_inputs("channel/new_ba", lanes[1])
    )


def _lanes_after(trace: UserTrace) -> tuple[int, int]:
    body, update = trace.transaction.body, trace.channel
    if isinstance(body, Close):
        return body.lane_ab, body.lane_ba
    assert update is not None
    leaf = update.after or update.before
    assert leaf is not None
    return leaf.lane_ab, leaf.lane_ba


def _signed(trace: UserTrace | None) -> dict[str, int]:
    side = amount_ntok = fee_ntok = valid_until = 0
    match trace.transaction.body if trace else None:
        case Transfer() | Withdraw() as body:
            amount_ntok, fee_ntok, valid_until = body.amount_ntok, body.fee_ntok, body.valid_until
        case Open() as body:
            amount_ntok, fee_ntok, valid_until = body.deposit_ntok, body.fee_ntok, body.valid_until
        case TopUp() as body:
            amount_ntok, fee_ntok, valid_until = body.amount_ntok, body.fee_ntok, body.valid_until
            side = int(body.side)
        case Claim() as body:
            side = int(body.lane)
        case StartClose() as body:
            side, valid_until = int(body.side), body.valid_until
        case Close() as body:
            valid_until = body.valid_until
        case Finalize() | None:
            pass
    return {
        "signed/side": side,
        "signed/amount/value": amount_ntok,
        "signed/fee/value": fee_ntok,
        "signed/valid_until/value": valid_until,
    }
