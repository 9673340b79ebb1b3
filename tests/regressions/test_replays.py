"""What was signed once, for one place, is good nowhere else: another chain, contract, epoch, lane,
nonce. Every signed message, by the sequencer's way and (a voucher) by the queue's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.batch import domain_of
from protocol.channels import Channel, Lane, channel_id, pack_lane
from protocol.errors import (
    BadSignature,
    ChannelNotOpen,
    InvalidSignature,
    UnknownChannel,
    WrongKey,
    WrongNonce,
)
from protocol.execute_queue import execute_queue_op
from protocol.queue import ForcedClaim
from protocol.state import State
from protocol.transactions import (
    Body,
    Claim,
    Close,
    Finalize,
    Open,
    StartClose,
    TopUp,
    Transaction,
    Transfer,
    Withdraw,
)
from protocol.units import DAY_S
from protocol.vouchers import voucher_message
from tests.protocol.street import ANNA, BERT, CONTEXT, DOMAIN, LATER, NOW, run, signed, street

CHAIN_ID, CONTRACT = 31_337, 0x5FBDB2315678AFECB367F032D93F642F64180AA3
ELSEWHERE = {
    "another chain id": domain_of(CHAIN_ID + 1, CONTRACT),
    "another contract": domain_of(CHAIN_ID, CONTRACT + 1),
}
VALUE = pack_lane(4, 60)
PRESENT, PAST = channel_id(0, 1, 1), channel_id(0, 1, 0)

BODIES: dict[str, Callable[[], Body]] = {
    "TRANSFER": lambda: Transfer(0, 1, 2, 5, 1, LATER),
    "WITHDRAW": lambda: Withdraw(0, 2, 5, 1, LATER),
    "OPEN": lambda: Open(0, 1, 2, 500, 1, DAY_S, LATER),
    "TOP_UP": lambda: TopUp(PRESENT, Lane.AB, 2, 50, 1, LATER),
    "CLAIM": lambda: Claim(PRESENT, Lane.AB, VALUE),
    "START_CLOSE": lambda: StartClose(PRESENT, Lane.AB, 2, LATER),
    "CLOSE": lambda: Close(PRESENT, VALUE, VALUE, 500, 500, LATER),
}
SIGNED = [*BODIES]
ON_CHANNELS = [name for name in BODIES if isinstance(BODIES[name](), TopUp | Claim | Close)]
ON_CHANNELS += ["START_CLOSE"]
WITH_NONCE = [name for name in BODIES if hasattr(BODIES[name](), "nonce")]


def on_the_second_channel() -> State:
    """Anna and Bert had a channel (epoch 0), and have another (epoch 1), each with 500 in it."""
    state = street()
    run(state, signed(Open(0, 1, 0, 500, 0, DAY_S, LATER), ANNA))
    run(state, signed(Close(PAST, 0, 0, 500, 0, LATER), ANNA, BERT))
    run(state, signed(Open(0, 1, 1, 500, 0, DAY_S, LATER), ANNA))
    run(state, signed(TopUp(PRESENT, Lane.BA, 0, 500, 0, LATER), BERT))
    return state


def by(body: Body, domain: int = DOMAIN) -> Transaction:
    return signed(body, ANNA, *[BERT] * isinstance(body, Close), domain=domain)


def refused(transaction: Transaction, *errors: type[Exception]) -> None:
    state = on_the_second_channel()
    before = state.root
    with pytest.raises(errors):
        run(state, transaction)
    assert state.root == before


def grafted(body: Body, onto: Body) -> Transaction:
    """The signature of one body under another."""
    return Transaction(onto, by(body).signatures)


@pytest.mark.parametrize("name", SIGNED)
def test_where_it_belongs_each_applies(name: str) -> None:
    run(on_the_second_channel(), by(BODIES[name]()))


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("where", ELSEWHERE)
def test_a_signature_for_elsewhere_is_refused(name: str, where: str) -> None:
    refused(by(BODIES[name](), ELSEWHERE[where]), BadSignature)


@pytest.mark.parametrize("name", ON_CHANNELS)
def test_what_was_signed_for_a_channel_that_is_over_is_not_good_for_the_next(name: str) -> None:
    now = BODIES[name]()
    assert not isinstance(now, Transfer | Withdraw | Open | Finalize)
    then = replace(now, channel_id=PAST)
    refused(by(then), UnknownChannel)
    refused(grafted(then, now), BadSignature)


@pytest.mark.parametrize("name", WITH_NONCE)
def test_nothing_applies_twice_nor_under_the_next_nonce(name: str) -> None:
    body = BODIES[name]()
    assert not isinstance(body, Claim | Close | Finalize)
    state = on_the_second_channel()
    run(state, by(body))
    with pytest.raises(WrongNonce if not isinstance(body, StartClose) else ChannelNotOpen):
        run(state, by(body))
    refused(by(replace(body, nonce=body.nonce - 1)), WrongNonce)
    refused(by(replace(body, nonce=body.nonce + 1)), WrongNonce)
    refused(grafted(replace(body, nonce=body.nonce - 1), body), BadSignature)


@pytest.mark.parametrize("name", ["TOP_UP", "START_CLOSE"])
def test_what_one_side_signed_is_not_the_other_sides(name: str) -> None:
    ours = BODIES[name]()
    assert isinstance(ours, TopUp | StartClose)
    theirs = replace(ours, side=Lane.BA, nonce=1)
    refused(grafted(ours, theirs), WrongKey)
    refused(Transaction(ours, signed(theirs, BERT).signatures), WrongKey)
    refused(grafted(replace(ours, side=Lane.BA), ours), BadSignature)


def test_a_voucher_of_one_lane_is_not_one_of_the_other() -> None:
    ours = Claim(PRESENT, Lane.AB, VALUE)
    refused(grafted(ours, replace(ours, lane=Lane.BA)), WrongKey)
    refused(grafted(replace(ours, lane=Lane.BA), ours), BadSignature)


def test_a_close_lands_once() -> None:
    state = on_the_second_channel()
    run(state, by(BODIES["CLOSE"]()))
    with pytest.raises(UnknownChannel):
        run(state, by(BODIES["CLOSE"]()))


@pytest.mark.parametrize("name", SIGNED)
def test_a_signature_of_one_type_is_none_of_another(name: str) -> None:
    """With every number alike that both types have: their tags keep them apart."""
    body = BODIES[name]()
    for other in BODIES.values():
        onto = other()
        if onto.TYPE is not body.TYPE:
            signatures = (by(body).signatures * 2)[: 2 if isinstance(onto, Close) else 1]
            refused(Transaction(onto, signatures), InvalidSignature)


def forced(pinned: Channel, *, domain: int = DOMAIN, **changes: int) -> ForcedClaim:
    """A FORCED_CLAIM of a voucher that was signed with these changes."""
    told = {"channel": pinned.id, "lane": 0, "value": VALUE} | changes
    message = voucher_message(domain, told["channel"], Lane(told["lane"]), told["value"])
    return ForcedClaim(1, NOW, 0, pinned.epoch, Lane.AB, VALUE, ANNA.sign(message), 99)


@pytest.mark.parametrize(
    "changes",
    [
        {"domain": ELSEWHERE["another chain id"]},
        {"domain": ELSEWHERE["another contract"]},
        {"channel": PAST},
        {"lane": 1},
        {"value": VALUE - 1},
    ],
    ids=["chain id", "contract", "epoch", "lane", "value"],
)
def test_a_voucher_from_elsewhere_is_no_challenge(changes: dict[str, int]) -> None:
    state = on_the_second_channel()
    channel = state.find_channel(0)
    assert channel is not None
    before = state.root
    assert not execute_queue_op(state, CONTEXT, forced(channel, **changes)).applied
    assert state.root == before
    assert execute_queue_op(state, CONTEXT, forced(channel)).applied
