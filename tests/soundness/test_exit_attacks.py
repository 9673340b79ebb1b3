"""Leaves, paths, vouchers and words that are not those of the root, each stopped by its rule.

In each all fits together but for what is listed (exit_lies.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.accounts import Account
from protocol.channels import Lane, lane_paid_ntok
from protocol.crypto.jubjub import GENERATOR, Point, multiply
from protocol.crypto.schnorr import Signature, key_hash, verify
from protocol.exits import account_exit
from protocol.vouchers import voucher_message
from prover.circuits.exit_inputs import circuit_inputs
from prover.circuits.exit_leaves import account_inputs, channel_inputs
from prover.circuits.tree_place import place_inputs
from prover.gadgets.schnorr import signature_inputs
from tests.protocol.street import ANNA, BERT, CARL, DOMAIN
from tests.prover.circuits.exit_cases import (
    LANE_AB,
    LANE_BA,
    OTHER_SLOT,
    RAISED,
    SLOT,
    case,
    channel_at,
    left_state,
    raised,
    voucher,
)
from tests.prover.gadgets.test_jubjub import SMALL
from tests.soundness.exit_lies import (
    A_LEAF,
    B_LEAF,
    LEAF,
    PINNED,
    UNSIGNED,
    Lie,
    account_as,
    channel_as,
    channel_with,
    failing,
    leaf_of,
    money,
    raise_as,
    said,
    unsigned,
)

LIES: dict[str, Callable[[], Lie]] = {
    # another statement than the leaf's
    "another account's balance": lambda: account_as(
        leaf_of(ANNA), {"what/money is the balance"}, ntok=leaf_of(CARL).balance_ntok
    ),
    "a nano-token more": lambda: account_as(
        leaf_of(ANNA), {"what/money is the balance"}, ntok=leaf_of(ANNA).balance_ntok + 1
    ),
    "a balance of 65 bits": lambda: account_as(
        leaf_of(ANNA),
        {"what/money is the balance", "what/money/64 bits"},
        ntok=leaf_of(ANNA).balance_ntok + 2**64,
    ),
    "somebody else's address": lambda: said("account", {"first/first"}, first=BERT.l1_address),
    "another account's number": lambda: said("account", {"what/what"}, what=1 << 8),
    "an account with a second word": lambda: said("account", {"second/second"}, second=1),
    "another slot": lambda: said("channel", {"what/what"}, what=1 << 8),
    "A's address for B's": lambda: said(
        "channel", {"second/second"}, second=ANNA.l1_address + (14_000 << 160)
    ),
    "less paid in ab": lambda: said(
        "channel", {"first/first"}, first=ANNA.l1_address + (89_999 << 160)
    ),
    "more paid in ba": lambda: said(
        "channel", {"second/second"}, second=BERT.l1_address + (14_001 << 160)
    ),
    "a deposit more": lambda: said("channel", {"what/what"}, what=1 << 40),
    "the other lane": lambda: said("raise ab", {"what/what"}, what=1 << 32),
    "more raised": lambda: said("raise ab", {"what/what"}, what=1 << 40),
    "another domain": lambda: said("raise ab", {"first/first"}, first=DOMAIN ^ 1),
    "bits above what": lambda: said("channel", {"what/what"}, what=1 << 168),
    "bits above a kind": lambda: said("account", {"what/what"}, what=4),
    "bits above a lane": lambda: said("raise ab", {"what/what"}, what=1 << 33),
    "A's deposit paid by B": lambda: said(
        "channel",
        {"what/money is both deposits"},
        what=(1 << 104) - (1 << 40),
        **money(99_999 + (40_001 << 64)),
    ),
    # another leaf
    "a leaf with a greater balance": lambda: account_as(
        replace(leaf_of(ANNA), balance_ntok=2**64 - 1), {A_LEAF}
    ),
    "a leaf with another owner": lambda: account_as(
        replace(leaf_of(ANNA), l1_address=CARL.l1_address), {A_LEAF}
    ),
    "another account's leaf": lambda: account_as(leaf_of(CARL), {A_LEAF}),
    "an empty place": lambda: account_as(None, {A_LEAF}, index=9),
    "an empty place with a balance": lambda: account_as(
        Account(0, ANNA.l1_address, 0, 5, 0, 0), {A_LEAF}, index=9
    ),
    "a channel with a greater deposit": lambda: channel_with({LEAF}, deposit_b_ntok=40_001),
    "a channel with less paid": lambda: channel_with({LEAF}, lane_ab=LANE_BA),
    "a channel with other keys": lambda: channel_with({LEAF}, key_hash_b=CARL.key_hash),
    "a stranger as B": lambda: channel_with({LEAF}, b_index=CARL.index),
    "A and B in each other's place": lambda: channel_with(
        {LEAF}, a_index=BERT.index, b_index=ANNA.index
    ),
    "an empty slot": lambda: channel_as(channel_at(left_state()), {LEAF}, slot=SLOT + 1),
    "another slot's channel": lambda: channel_as(
        channel_at(left_state(), OTHER_SLOT), {LEAF}, slot=SLOT
    ),
    "B's leaf has another owner": lambda: Lie(
        case("channel")
        | account_inputs("account_b", replace(leaf_of(BERT), l1_address=CARL.l1_address))
        | {"second": CARL.l1_address + (14_000 << 160)},
        {B_LEAF},
    ),
    "A's leaf has another owner": lambda: Lie(
        case("channel")
        | account_inputs("account_a", replace(leaf_of(ANNA), l1_address=CARL.l1_address))
        | {"first": CARL.l1_address + (90_000 << 160)},
        {A_LEAF},
    ),
    # another path or tree
    "a sibling of an account": lambda: Lie(
        case("account") | {"account_a/siblings/7/1": 12_345}, {A_LEAF}
    ),
    "a sibling of B": lambda: Lie(case("channel") | {"account_b/siblings/0/2": 12_345}, {B_LEAF}),
    "a sibling of a channel": lambda: Lie(
        case("raise ab") | {"channel/siblings/11/0": 12_345}, {LEAF}
    ),
    "a tree of one's own": lambda: Lie(
        case("account") | {"trees/accounts_root": 12_345}, {A_LEAF, "trees/state root"}
    ),
    "the other tree": lambda: Lie(
        case("raise ab") | {"trees/channels_root": case("raise ab")["trees/accounts_root"]},
        {LEAF, "trees/state root"},
    ),
    "another root": lambda: said("channel", {"trees/state root"}, root=5),
    # vouchers
    "a lane that the payee signed": lambda: raise_as({PINNED}, signer=BERT),
    "a lane that a stranger signed": lambda: raise_as({PINNED}, signer=CARL),
    "A's voucher in B's lane": lambda: raise_as(
        {PINNED, *UNSIGNED}, lane=Lane.BA, signed_lane=Lane.AB
    ),
    "A signed B's lane": lambda: raise_as({PINNED}, lane=Lane.BA),
    "more than was signed": lambda: raise_as(
        UNSIGNED, value=RAISED + (1 << 40), signed_value=RAISED
    ),
    "other energy than was signed": lambda: raise_as(
        UNSIGNED, value=RAISED + 1, signed_value=RAISED
    ),
    "a voucher of another epoch": lambda: raise_as(UNSIGNED, more_id=1 << 64),
    "a voucher of another channel": lambda: raise_as(UNSIGNED, slot=OTHER_SLOT),
    "a voucher of another rollup": lambda: raise_as(UNSIGNED, domain=DOMAIN ^ 1),
    "no signature at all": unsigned,
}


@pytest.mark.parametrize("name", LIES)
def test_only_its_own_rule_stops_a_lie(name: str) -> None:
    lie = LIES[name]()
    assert failing(lie.inputs) == lie.says_no


@pytest.mark.parametrize("name", ["account", "channel", "raise ab", "raise by the identity"])
def test_the_honest_cases_break_nothing(name: str) -> None:
    assert failing(case(name)) == set()


@pytest.mark.parametrize("name", ["account", "channel", "raise ab"])
def test_no_exit_is_one_of_another_kind(name: str) -> None:
    inputs = case(name)
    for other in {1, 2, 3} - {inputs["kind/value"]}:
        change = other - inputs["kind/value"]
        assert failing({**inputs, "kind/value": other, "what": inputs["what"] + change})


def test_more_energy_alone_raises_nothing() -> None:
    """A higher lane value with the same paid is true, and says the same as the leaf."""
    more = raised(left_state(), Lane.AB, LANE_AB + 1, ANNA)
    assert failing(circuit_inputs(more)) == set()
    assert more.statement().paid_ntok == lane_paid_ntok(LANE_AB)


def test_a_key_that_was_changed_since_does_not_sign() -> None:
    """The pinned key counts, not the account's: the state's Anna has another key by now."""
    state = left_state()
    state.write_account(0, replace(state.account(0), key_hash=CARL.key_hash))
    honest = raised(state, Lane.AB, RAISED, ANNA)
    assert failing(circuit_inputs(honest)) == set()
    by_new_key = signature_inputs("voucher/by", voucher(state, Lane.AB, RAISED, CARL).signature)
    assert failing(circuit_inputs(honest) | by_new_key) == {PINNED}


def test_a_key_of_small_order_is_as_good_as_verify_says() -> None:
    """Of order 8, with R = kG and s = k: right wherever e is a multiple of 8, and only there."""
    key, state = SMALL[1], left_state()
    assert multiply(4, key) != SMALL[0] == multiply(8, key)
    channel = replace(channel_at(state), key_hash_a=key_hash(key))
    state.write_channel(SLOT, channel)
    message = voucher_message(DOMAIN, channel.id, Lane.AB, RAISED)
    seen: set[bool] = set()
    for k in range(2, 60):
        signature = Signature(key, multiply(k, GENERATOR), k)
        good = verify(signature, message)
        if good in seen:
            continue
        seen.add(good)
        inputs = {
            **case("raise ab"),
            **place_inputs("channel", SLOT, state.channel_siblings(SLOT)),
            **channel_inputs("channel", channel),
            **signature_inputs("voucher/by", signature),
            "trees/channels_root": state.channels_root,
            "root": state.root,
        }
        failed = failing(inputs)
        assert bool(failed) != good
        assert failed <= UNSIGNED
    assert seen == {True, False}


def test_a_signature_that_is_switched_off_has_to_be_well_formed() -> None:
    off_curve = Signature(Point(1, 1), Point(2, 2), 0)
    failed = failing(case("account") | signature_inputs("voucher/by", off_curve))
    assert {"voucher/signature/A on curve", "voucher/signature/R on curve"} <= failed
    other = voucher(left_state(), Lane.AB, RAISED, ANNA).signature
    assert failing(case("account") | signature_inputs("voucher/by", other)) == set()


def test_exits_of_two_roots_are_two_statements() -> None:
    """A later root's leaf with an earlier root's path stands in neither."""
    before, after = left_state(), left_state()
    after.write_account(0, replace(after.account(0), balance_ntok=5))
    old, new = (circuit_inputs(account_exit(state, 0)) for state in (before, after))
    assert old["root"] != new["root"]
    assert failing({**new, "root": old["root"]}) == {"trees/state root"}
    stale = {**old, **{name: new[name] for name in ("root", "trees/accounts_root")}}
    assert failing(stale) == {A_LEAF}
