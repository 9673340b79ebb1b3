"""Each exit has one reading: packed integers, bits beyond, unused fields, kinds that are none."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from protocol.crypto.jubjub import SUBGROUP_ORDER
from protocol.crypto.poseidon import Tag, h4
from prover.circuits.exit import exit_template
from prover.gadgets.schnorr import signature_inputs
from tests.protocol.street import ANNA, DOMAIN
from tests.prover.circuits.exit_cases import (
    RAISED,
    channel_at,
    left_state,
)
from tests.soundness.exit_lies import PINNED, UNSIGNED, Lie, added, failing
from tests.soundness.test_exit_attacks import LIES as OTHER_LIES


def epoch_of_33_bits() -> Lie:
    """A voucher for the epoch 2^32 later, which the window gives back."""
    message = voucher_message_of_id(channel_at(left_state()).id + (1 << 96))
    signature = ANNA.sign(message)
    lie = added(
        "raise ab",
        {"channel/epoch/bit0 is a bit"},
        {"channel/epoch/value": 1 << 32, "channel/window/value": -1},
    )
    return Lie(lie.inputs | signature_inputs("voucher/by", signature), lie.says_no)


def voucher_message_of_id(channel_id: int) -> int:
    """As voucher_message has it, for an id that is too long."""
    return h4(Tag.VOUCHER, DOMAIN, channel_id, RAISED, 0)


LIES: dict[str, Callable[[], Lie]] = {
    # one packed integer, read in two ways
    "a unit of paid made of wh": lambda: added(
        "raise ab",
        {"voucher/wh/bit0 is a bit"},
        {"voucher/wh/value": -(1 << 40), "what/money/paid/value": 1, "what": 1 << 40},
    ),
    "a unit of paid moved into wh": lambda: added(
        "raise ab",
        {"voucher/wh/bit0 is a bit"},
        {"voucher/wh/value": 1 << 40, "what/money/paid/value": -1, "what": -(1 << 40)},
    ),
    "paid of ab made of its wh": lambda: added(
        "channel",
        {"channel/lane_ab/wh/bit0 is a bit"},
        {
            "channel/lane_ab/wh/value": -(1 << 40),
            "channel/lane_ab/paid/value": 1,
            "first": 1 << 160,
        },
    ),
    "paid of ab made of ba's wh": lambda: added(
        "channel",
        {"channel/lane_ab/paid/bit0 is a bit"},
        {
            "channel/lane_ab/paid/value": 1 << 56,
            "channel/lane_ba/wh/value": -1,
            "first": 1 << 216,
        },
    ),
    "an address made of the nonce": lambda: added(
        "account",
        {"account_a/address_high/bit0 is a bit"},
        {"account_a/address_high/value": 1 << 32, "account_a/nonce/value": -1, "first": 1 << 160},
    ),
    "an address in other halves": lambda: added(
        "account",
        {"account_a/address_low/bit0 is a bit"},
        {"account_a/address_low/value": -(1 << 128), "account_a/address_high/value": 1},
    ),
    "deposits in other halves": lambda: added(
        "channel",
        {"what/money/above_paid/bit0 is a bit"},
        {"what/money/above_paid/value": 1 << 8, "what/money/upper/value": -1},
    ),
    "a voucher for an epoch of 33 bits": epoch_of_33_bits,
    "an index of 25 bits": lambda: added(
        "account",
        {"account_a/index/bits add up"},
        {"account_a/index/value": 1 << 24},
    ),
    "a slot of 25 bits for a lane": lambda: added(
        "raise ab",
        {"channel/index/bits add up", "what/what"},
        {"channel/index/value": 1 << 24, "what": 1 << 32},
    ),
    "a lane of 2": lambda: added(
        "channel", {"what/lane is a bit", "voucher/unused"}, {"what/lane": 2, "what": 2 << 32}
    ),
    "a response and l": lambda: added(
        "raise by the identity",
        {"voucher/signature/s/below l/first difference/bit0 is a bit"},
        {"voucher/by/s": SUBGROUP_ORDER},
    ),
    # what a kind has not
    "an account with a lane": lambda: added(
        "account", {"voucher/unused"}, {"what/lane": 1, "what": 1 << 32}
    ),
    "a channel with a lane": lambda: added(
        "channel", {"voucher/unused"}, {"what/lane": 1, "what": 1 << 32}
    ),
    "a channel with a voucher's energy": lambda: added(
        "channel", {"voucher/unused"}, {"voucher/wh/value": 1}
    ),
    "an account of two owners": lambda: added(
        "account", {"account_b/unused 1"}, {"account_b/address_low/value": 1, "second": 1}
    ),
    "a raise with an owner": lambda: added(
        "raise ab", {"account_b/unused 1"}, {"account_b/address_low/value": 1, "second": 1}
    ),
    "a domain of 129 bits": lambda: added(
        "raise ab", {"account_a/unused 1"}, {"account_a/address_high/value": 1, "first": 1 << 128}
    ),
    "a raise of 57 bits": lambda: added(
        "raise ab", {"what/money/56 bits"}, {"what/money/above_paid/value": 1, "what": 1 << 96}
    ),
    "a raise of 65 bits": lambda: added(
        "raise ab", {"what/money/64 bits"}, {"what/money/upper/value": 1, "what": 1 << 104}
    ),
    "an account with a slot": lambda: added(
        "account", {"channel/no slot"}, {"channel/index/value": 1}
    ),
    # kinds that do not exist
    "no kind, with any money": lambda: added(
        "account",
        {"kind/a kind that exists"},
        {"kind/value": -1, "what/money/paid/value": 1, "what": (1 << 40) - 1},
    ),
    "kind 4": lambda: added(
        "account", {"kind/bits add up", "kind/a kind that exists"}, {"kind/value": 3, "what": 3}
    ),
    "kind 5": lambda: added("account", {"kind/bits add up"}, {"kind/value": 4, "what": 4}),
}


@pytest.mark.parametrize("name", LIES)
def test_only_its_own_rule_stops_a_lie(name: str) -> None:
    lie = LIES[name]()
    assert failing(lie.inputs) == lie.says_no


ACCOUNT_FIELDS = ("key_hash", "nonce/value", "balance", "totals")
CHANNEL_FIELDS = ("closing", "deposits", "lane_ba/paid/value", "key_hash_a", "key_hash_b")
UNUSED = [
    (kind, f"{scope}/{field}", f"{scope}/unused {i}")
    for kind, scope, names in (
        ("account", "account_b", ACCOUNT_FIELDS),
        ("raise ab", "account_b", ACCOUNT_FIELDS),
        ("raise ab", "account_a", ACCOUNT_FIELDS),
        ("account", "channel", CHANNEL_FIELDS),
    )
    for i, field in enumerate(names)
]


@pytest.mark.parametrize(("kind", "field", "rule"), UNUSED)
def test_what_a_kind_does_not_use_is_0(kind: str, field: str, rule: str) -> None:
    assert failing(added(kind, set(), {field: 1}).inputs) == {rule}


GADGETS = re.compile(
    r"/level\d+/|/(leaf|keys hash|state|message|signature)/|bit\d+ is a bit$|/bits add up$"
    r"|(lane|closing) is a bit$"
)
CHOICES = {"kind/both", "what/index", "first/paid", "second/paid", "voucher/pinned key"}
"""Products that compute something: mutations of their wires test them."""


def test_every_rule_has_a_lie_that_it_stops_alone() -> None:
    own = {name for name in exit_template().row_names if not GADGETS.search(name)} - CHOICES
    lies = [make() for make in (*LIES.values(), *OTHER_LIES.values())]
    alone = {next(iter(lie.says_no)) for lie in lies if len(lie.says_no) == 1}
    assert own - alone - {rule for _, _, rule in UNUSED} == set()
    assert any(lie.says_no == UNSIGNED for lie in lies)
    assert {"trees/state root", PINNED, "voucher/unused", "what/what"} <= own
