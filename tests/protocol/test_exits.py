"""Exits: what is said of a leaf, in which bits, and what is not accepted as its witness."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from protocol.channels import Lane, Status, lane_paid_ntok, pack_lane
from protocol.crypto.field import R
from protocol.crypto.jubjub import IDENTITY
from protocol.crypto.schnorr import Signature, key_hash
from protocol.errors import (
    BadSignature,
    InclusionsDiffer,
    OutOfRange,
    UnknownAccount,
    UnknownChannel,
    WrongKey,
)
from protocol.exits import (
    AccountExit,
    ChannelExit,
    ChannelExitWitness,
    Exit,
    ExitInputs,
    LaneRaise,
    LaneRaiseWitness,
    account_exit,
    channel_exit,
    exit_inputs,
    lane_raise,
)
from protocol.inclusion import prove_account, prove_channel
from protocol.state import State
from protocol.vouchers import Voucher
from tests.protocol.street import (
    ANNA,
    BERT,
    CARL,
    DOMAIN,
    Home,
    claim,
    closing_street,
    open_street,
    run,
    signed,
)
from tests.vectors import generate
from tests.vectors.exits import SOME_ROOT, statements, witnesses

ENTRIES: list[dict[str, Any]] = json.loads(generate.FILE.read_text())["exits"]
KINDS: dict[str, type[Exit]] = {
    "ACCOUNT": AccountExit,
    "CHANNEL": ChannelExit,
    "RAISE": LaneRaise,
}
WIDTHS = {
    "index": 24,
    "slot": 24,
    "lane": 1,
    "balance_ntok": 64,
    "deposit_a_ntok": 64,
    "deposit_b_ntok": 64,
    "paid_ntok": 56,
    "paid_ab_ntok": 56,
    "paid_ba_ntok": 56,
    "l1_address": 160,
    "l1_address_a": 160,
    "l1_address_b": 160,
}


def paper(kind: str, v: dict[str, int]) -> list[int]:
    """what, first and second, written out once more by hand from docs/protocol.md."""
    match kind:
        case "ACCOUNT":
            what = 1 + v["index"] * 2**8 + v["balance_ntok"] * 2**40
            return [what, v["l1_address"], 0]
        case "CHANNEL":
            deposits = v["deposit_a_ntok"] * 2**40 + v["deposit_b_ntok"] * 2**104
            first = v["l1_address_a"] + v["paid_ab_ntok"] * 2**160
            second = v["l1_address_b"] + v["paid_ba_ntok"] * 2**160
            return [2 + v["slot"] * 2**8 + deposits, first, second]
        case _:
            what = 3 + v["slot"] * 2**8 + v["lane"] * 2**32 + v["paid_ntok"] * 2**40
            return [what, DOMAIN, 0]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: str(one["kind"]))
def test_the_public_inputs_are_those_of_the_table(entry: dict[str, Any]) -> None:
    values = {name: int(text, 16) for name, text in entry["fields"].items()}
    root, *rest = (int(text, 16) for text in entry["public_inputs"])
    assert rest == paper(entry["kind"], values)
    assert all(number < 2**216 < R for number in rest)
    kind = KINDS[entry["kind"]]
    assert list(values) == [each.name for each in fields(kind)]
    made = {name: Lane(v) if name == "lane" else v for name, v in values.items()}
    assert kind(**made).public(root, DOMAIN).values() == (root, *rest)  # type: ignore[arg-type]


def test_different_exits_never_say_the_same() -> None:
    assert len({one["public_inputs"][1] for one in ENTRIES}) == len(ENTRIES)
    assert {one["kind"] for one in ENTRIES} == set(KINDS)
    assert [one.public(SOME_ROOT, DOMAIN).root for one in statements()] == [SOME_ROOT] * 6
    assert len(ENTRIES) == len(statements()) + len(witnesses())


@pytest.mark.parametrize("one", statements(), ids=lambda one: str(one.KIND.name))
def test_a_field_that_does_not_fit_is_refused(one: Exit) -> None:
    for each in fields(one):
        for bad in (-1, 1 << WIDTHS[each.name], True, "1"):
            with pytest.raises(OutOfRange):
                replace(one, **{each.name: bad})  # type: ignore[arg-type]
    for domain in (-1, 1 << 128):
        with pytest.raises(OutOfRange, match="domain"):
            one.public(SOME_ROOT, domain)


def voucher(channel_id: int, lane: Lane, value: int, signer: Home, domain: int = DOMAIN) -> Voucher:
    """Signed by `signer`, whosever lane it is."""
    unsigned = Voucher(channel_id, lane, value, Signature(IDENTITY, IDENTITY, 0))
    return replace(unsigned, signature=signer.sign(unsigned.message(domain)))


def claimed() -> State:
    state, _ = closing_street()
    run(state, signed(claim(30, 90), ANNA))
    return state


def test_an_account_leaves_with_its_whole_balance() -> None:
    state = claimed()
    witness = account_exit(state, 1)
    assert witness.statement() == AccountExit(1, BERT.l1_address, 1_000_000)
    assert exit_inputs(witness) == AccountExit(1, BERT.l1_address, 1_000_000).public(state.root, 7)


@pytest.mark.parametrize("status", Status)
def test_a_channel_leaves_open_or_closing(status: Status) -> None:
    state, channel = open_street() if status is Status.OPEN else closing_street()
    assert channel.status is status
    run(state, signed(claim(30, 90), ANNA))
    said = ChannelExit(0, 500, 0, 90, 0, ANNA.l1_address, BERT.l1_address)
    assert channel_exit(state, 0).statement() == said
    assert exit_inputs(channel_exit(state, 0)) == said.public(state.root, 0)


def test_a_raise_shows_paid_and_not_the_energy() -> None:
    state = claimed()
    promised = voucher(prove_channel(state, 0).channel.id, Lane.AB, pack_lane(41, 120), ANNA)  # type: ignore[union-attr]
    witness = lane_raise(state, 0, promised, DOMAIN)
    assert witness.statement() == LaneRaise(0, Lane.AB, 120)
    assert witness.energy_wh == 41
    what = 3 + 120 * 2**40
    assert exit_inputs(witness) == ExitInputs(state.root, what, DOMAIN, 0)


def test_the_higher_lane_value_never_has_less_paid() -> None:
    values = [pack_lane(wh, paid) for wh in (0, 1, 2**40 - 1) for paid in (0, 1, 2**56 - 1)]
    assert [lane_paid_ntok(each) for each in sorted(values)] == sorted(map(lane_paid_ntok, values))


def test_stored_inclusions_are_enough() -> None:
    state = claimed()
    channel, a, b = prove_channel(state, 0), prove_account(state, 0), prove_account(state, 1)
    assert ChannelExitWitness(channel, a, b) == channel_exit(state, 0)


def test_what_is_empty_has_no_exit() -> None:
    state = claimed()
    with pytest.raises(UnknownAccount, match="account 9"):
        account_exit(state, 9)
    with pytest.raises(UnknownChannel, match="slot 9"):
        channel_exit(state, 9)
    promised = voucher(7, Lane.AB, 1, ANNA)
    with pytest.raises(UnknownChannel, match="slot 9"):
        lane_raise(state, 9, promised, DOMAIN)


def _later(state: State) -> State:
    after = state.copy()
    after.write_account(2, replace(CARL.account(), balance_ntok=1))
    return after


MIXED: dict[str, Callable[[State], ChannelExitWitness]] = {
    "A and B in each other's place": lambda s: ChannelExitWitness(
        prove_channel(s, 0), prove_account(s, 1), prove_account(s, 0)
    ),
    "a stranger as B": lambda s: ChannelExitWitness(
        prove_channel(s, 0), prove_account(s, 0), prove_account(s, 2)
    ),
    "A of a later root": lambda s: ChannelExitWitness(
        prove_channel(s, 0), prove_account(_later(s), 0), prove_account(s, 1)
    ),
    "B of a later root": lambda s: ChannelExitWitness(
        prove_channel(s, 0), prove_account(s, 0), prove_account(_later(s), 1)
    ),
    "the channel of a later root": lambda s: ChannelExitWitness(
        prove_channel(_later(s), 0), prove_account(s, 0), prove_account(s, 1)
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_inclusions_that_do_not_belong_together(name: str) -> None:
    with pytest.raises(InclusionsDiffer):
        MIXED[name](claimed())


def test_a_voucher_that_is_not_the_payers() -> None:
    state = claimed()
    inclusion = prove_channel(state, 0)
    assert inclusion.channel is not None
    id_, value = inclusion.channel.id, pack_lane(41, 120)
    good = voucher(id_, Lane.AB, value, ANNA)
    with pytest.raises(InclusionsDiffer, match="slot 0"):
        LaneRaiseWitness(inclusion, voucher(id_ + (1 << 64), Lane.AB, value, ANNA), DOMAIN)
    for lane, signer in ((Lane.AB, BERT), (Lane.BA, ANNA), (Lane.AB, CARL)):
        with pytest.raises(WrongKey):
            LaneRaiseWitness(inclusion, voucher(id_, lane, value, signer), DOMAIN)
    for bad in (
        replace(good, lane_value=value + 1),
        replace(good, signature=replace(good.signature, s=good.signature.s + 1)),
        voucher(id_, Lane.AB, value, ANNA, domain=DOMAIN ^ 1),
    ):
        with pytest.raises(BadSignature):
            LaneRaiseWitness(inclusion, bad, DOMAIN)
    with pytest.raises(OutOfRange, match="domain"):
        LaneRaiseWitness(inclusion, good, 1 << 128)
    assert LaneRaiseWitness(inclusion, good, DOMAIN).voucher is good


def test_a_key_of_small_order_counts_as_verify_says() -> None:
    """Wallets refuse to deal with such a key; what it has signed is signed."""
    state, channel = open_street()
    pinned = replace(channel, key_hash_a=key_hash(IDENTITY))
    state.write_channel(0, pinned)
    anyones = Voucher(channel.id, Lane.AB, pack_lane(0, 7), Signature(IDENTITY, IDENTITY, 0))
    assert lane_raise(state, 0, anyones, DOMAIN).statement().paid_ntok == 7
