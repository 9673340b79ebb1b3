"""The part of layouts_protocol.json about exits: statements at their extremes, and true ones."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from protocol import codec
from protocol.accounts import Account
from protocol.channels import Channel, Lane, Status, pack_lane
from protocol.exits import (
    AccountExit,
    ChannelExit,
    Exit,
    ExitWitness,
    LaneRaise,
    LaneRaiseWitness,
    account_exit,
    channel_exit,
    exit_inputs,
    lane_raise,
)
from protocol.state import State
from protocol.vouchers import Voucher, voucher_message
from tests.protocol.street import ANNA, BERT, DOMAIN, LATER, WINDOW_S

Json = dict[str, Any]

A_INDEX, B_INDEX, SLOT = 5, 2**24 - 3, 2**22 + 9
SOME_ROOT = 2**254 + 5


def statements() -> list[Exit]:
    """Of each kind: small distinct numbers, then every field at its largest."""
    top24, top56, top64, top160 = (2**n - 1 for n in (24, 56, 64, 160))
    return [
        AccountExit(2, 3, 5),
        AccountExit(top24, top160, top64),
        ChannelExit(2, 3, 5, 7, 11, 13, 17),
        ChannelExit(top24, top64, top64, top56, top56, top160, top160),
        LaneRaise(2, Lane.AB, 3),
        LaneRaise(top24, Lane.BA, top56),
    ]


def witnesses() -> list[ExitWitness]:
    """All that is left in a state with two accounts, a closing channel and a voucher a lane."""
    accounts = {
        A_INDEX: Account(ANNA.key_hash, ANNA.l1_address, 3, 1_000_000, 0, 7),
        B_INDEX: Account(BERT.key_hash, BERT.l1_address, 4, 2_000_000, 7, 0),
    }
    ends = (A_INDEX, B_INDEX, 2, WINDOW_S, Status.CLOSING, LATER, 50_000, 700)
    lanes = pack_lane(120, 3_600), pack_lane(30, 900)
    channel = Channel(*ends, *lanes, ANNA.key_hash, BERT.key_hash)
    state = State.of(accounts, {SLOT: channel})
    raises = []
    for home, lane, value in (
        (ANNA, Lane.AB, pack_lane(150, 4_500)),
        (BERT, Lane.BA, pack_lane(31, 930)),
    ):
        signature = home.sign(voucher_message(DOMAIN, channel.id, lane, value))
        voucher = Voucher(channel.id, lane, value, signature)
        raises.append(lane_raise(state, SLOT, voucher, DOMAIN))
    return [*(account_exit(state, index) for index in accounts), channel_exit(state, SLOT), *raises]


def entries() -> list[Json]:
    """What goes into the file: the statements in SOME_ROOT, then the witnesses'."""
    out = [_entry(one, one.public(SOME_ROOT, DOMAIN).values()) for one in statements()]
    for witness in witnesses():
        entry = _entry(witness.statement(), exit_inputs(witness).values())
        if isinstance(witness, LaneRaiseWitness):
            entry["voucher"] = codec.voucher_to_json(witness.voucher)
        out.append(entry)
    return out


def _entry(one: Exit, public: tuple[int, ...]) -> Json:
    return {
        "kind": one.KIND.name,
        "fields": {each.name: hex(int(getattr(one, each.name))) for each in fields(one)},
        "public_inputs": [hex(number) for number in public],
    }
