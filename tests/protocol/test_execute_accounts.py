"""Transfers, withdrawals, signatures, expiry, queue and fees: each rule, each error by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.crypto.jubjub import IDENTITY, SUBGROUP_ORDER, Point
from protocol.crypto.schnorr import Signature
from protocol.errors import (
    BadSignature,
    BalanceOverflow,
    Expired,
    InsufficientBalance,
    NonceExhausted,
    NoOperatorAccount,
    SameParty,
    UnknownAccount,
    WrongKey,
    WrongNonce,
)
from protocol.execute import credit_fees
from protocol.execute_queue import execute_queue_op
from protocol.queue import Deposit, NewAccount
from protocol.state import State
from protocol.trace import Withdrawal
from protocol.transactions import Body, Close, Finalize, Open, Transaction, Transfer
from tests.protocol.refusal import refuse
from tests.protocol.street import (
    ANNA,
    BERT,
    CARL,
    CONTEXT,
    DOMAIN,
    FUNDS_NTOK,
    LATER,
    NOW,
    STRANGER,
    WINDOW_S,
    Home,
    at,
    claim,
    close,
    closing_street,
    open_,
    open_street,
    run,
    signed,
    start_close,
    street,
    top_up,
    transfer,
    withdraw,
)

LAST_NONCE = 2**32 - 1


# --- TRANSFER and WITHDRAW ------------------------------------------------------------------


def test_transfer_moves_the_amount_takes_the_fee_and_counts_the_nonce() -> None:
    state = street()
    trace = run(state, signed(transfer(70, fee_ntok=3), ANNA))
    assert state.account(0) == ANNA.account(FUNDS_NTOK - 73, nonce=1)
    assert state.account(1) == BERT.account(FUNDS_NTOK + 70)
    assert (trace.fee_ntok, trace.withdrawal, trace.channel) == (3, None, None)
    assert trace.account_1 is not None
    assert trace.account_2 is not None
    assert (trace.account_1.index, trace.account_2.index) == (0, 1)


def test_transfer_can_spend_everything_and_nothing_more() -> None:
    state = street()
    refuse(state, InsufficientBalance, signed(transfer(FUNDS_NTOK, fee_ntok=1), ANNA))
    run(state, signed(transfer(FUNDS_NTOK - 1, fee_ntok=1), ANNA))
    assert state.account(0).balance_ntok == 0


def test_transfer_to_an_account_that_is_full_is_refused() -> None:
    state = State.of({0: ANNA.account(5), 1: BERT.account(2**64 - 5)}, {})
    refuse(state, BalanceOverflow, signed(transfer(5), ANNA))
    run(state, signed(transfer(4), ANNA))
    assert state.account(1).balance_ntok == 2**64 - 1


def test_transfer_to_itself_is_refused() -> None:
    refuse(street(), SameParty, signed(replace(transfer(), to_index=0), ANNA))


def test_transfer_from_or_to_nobody_is_refused() -> None:
    refuse(street(), UnknownAccount, signed(replace(transfer(), to_index=9), ANNA))
    refuse(street(), UnknownAccount, signed(replace(transfer(), from_index=9), ANNA))


@pytest.mark.parametrize("given", [1, 2, LAST_NONCE])
def test_a_nonce_that_is_not_the_accounts_is_refused(given: int) -> None:
    error = refuse(street(), WrongNonce, signed(transfer(nonce=given), ANNA))
    assert isinstance(error, WrongNonce)
    assert (error.index, error.expected, error.given) == (0, 0, given)


def test_a_repeated_transaction_is_refused() -> None:
    state = street()
    once = signed(transfer(), ANNA)
    run(state, once)
    refuse(state, WrongNonce, once)


def test_the_last_nonce_cannot_be_spent() -> None:
    state = State.of({0: ANNA.account(nonce=LAST_NONCE), 1: BERT.account()}, {})
    refuse(state, NonceExhausted, signed(transfer(nonce=LAST_NONCE), ANNA))
    state = State.of({0: ANNA.account(nonce=LAST_NONCE - 1), 1: BERT.account()}, {})
    run(state, signed(transfer(nonce=LAST_NONCE - 1), ANNA))
    assert state.account(0).nonce == LAST_NONCE


def test_withdraw_pays_the_accounts_own_address() -> None:
    state = street()
    trace = run(state, signed(withdraw(60, fee_ntok=2), ANNA))
    assert trace.withdrawal == Withdrawal(ANNA.l1_address, 60)
    assert trace.withdrawal.element() == ANNA.l1_address + (60 << 160)
    assert state.account(0).balance_ntok == FUNDS_NTOK - 62
    assert trace.fee_ntok == 2


def test_withdraw_of_nothing_emits_nothing() -> None:
    trace = run(street(), signed(withdraw(0), ANNA))
    assert trace.withdrawal is not None
    assert trace.withdrawal.element() == 0


def test_withdraw_more_than_the_balance_is_refused() -> None:
    refuse(street(), InsufficientBalance, signed(withdraw(FUNDS_NTOK + 1), ANNA))


# --- signatures -----------------------------------------------------------------------------


def test_a_strangers_signature_has_the_wrong_key() -> None:
    refuse(street(), WrongKey, signed(transfer(), STRANGER))


def test_a_signature_over_another_message_domain_or_type_is_refused() -> None:
    state = street()
    body = transfer(5)
    for message in (
        replace(body, amount_ntok=6).message(DOMAIN),
        replace(body, fee_ntok=1).message(DOMAIN),
        replace(body, valid_until=LATER + 1).message(DOMAIN),
        replace(body, to_index=2).message(DOMAIN),
        body.message(DOMAIN ^ 1),
        withdraw(5).message(DOMAIN),
    ):
        refuse(state, BadSignature, Transaction(body, (ANNA.sign(message),)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: replace(good, s=(good.s + 1) % SUBGROUP_ORDER),
        lambda good: replace(good, s=SUBGROUP_ORDER),
        lambda good: replace(good, s=good.s + SUBGROUP_ORDER),
        lambda good: replace(good, s=-1),
        lambda good: replace(good, r=Point(good.r.x, (good.r.y + 1))),
        lambda good: replace(good, r=IDENTITY),
    ],
)
def test_a_spoilt_signature_is_refused(spoil: Callable[[Signature], Signature]) -> None:
    body = transfer()
    good = ANNA.sign(body.message(DOMAIN))
    refuse(street(), BadSignature, Transaction(body, (spoil(good),)))


@pytest.mark.parametrize("key", [Point(3, 5), Point(2**300, -1), IDENTITY])
def test_a_key_that_is_no_point_or_not_the_accounts_is_refused(key: Point) -> None:
    body = transfer()
    good = ANNA.sign(body.message(DOMAIN))
    refuse(street(), WrongKey, Transaction(body, (replace(good, key=key),)))


def test_coordinates_beyond_the_field_are_refused_though_they_hash_alike() -> None:
    from protocol.crypto.field import R

    body = transfer()
    good = ANNA.sign(body.message(DOMAIN))
    high = replace(good, key=Point(good.key.x + R, good.key.y))
    refuse(street(), BadSignature, Transaction(body, (high,)))
    high = replace(good, r=Point(good.r.x, good.r.y + R))
    refuse(street(), BadSignature, Transaction(body, (high,)))


# --- valid_until ----------------------------------------------------------------------------


@pytest.mark.parametrize("valid_until", [NOW, NOW - 1])
def test_a_withheld_signature_expires(valid_until: int) -> None:
    """⚠ l1_time <= valid_until, for every message that is signed for a transaction."""
    state, channel = open_street()
    bodies: list[tuple[Body, tuple[Home, ...]]] = [
        (replace(transfer(nonce=1), valid_until=valid_until), (ANNA,)),
        (replace(withdraw(nonce=1), valid_until=valid_until), (ANNA,)),
        (replace(open_(nonce=1), valid_until=valid_until), (ANNA,)),
        (replace(top_up(channel.id), valid_until=valid_until), (ANNA,)),
        (replace(start_close(channel.id), valid_until=valid_until), (ANNA,)),
        (replace(close(channel, 0, 0), valid_until=valid_until), (ANNA, BERT)),
    ]
    for body, signers in bodies:
        copy = state.copy()
        if valid_until >= NOW:
            run(copy, signed(body, *signers))
            assert copy.root != state.root
        else:
            refuse(copy, Expired, signed(body, *signers))


def test_a_voucher_and_a_finalize_do_not_expire() -> None:
    state, channel = closing_street()
    far = at(2**40 - 1)
    run(state, signed(claim(1, 1), ANNA), far)
    run(state, signed(Finalize(channel.id)), far)


# --- the queue and the fees -----------------------------------------------------------------


def test_new_account_is_made_once_and_never_over_another() -> None:
    state = street()
    op = NewAccount(1, NOW, 3, STRANGER.key_hash, STRANGER.l1_address, 77, STRANGER.l1_address)
    assert execute_queue_op(state, CONTEXT, op).applied
    assert state.account(3) == STRANGER.account(77)
    before = state.root
    again = execute_queue_op(state, CONTEXT, replace(op, number=2, key_hash=5, amount_ntok=1))
    assert not again.applied
    assert again.account_1 == state.read_account(3)
    assert state.root == before


def test_deposit_credits_and_what_does_not_apply_is_a_no_op() -> None:
    state = street()
    assert execute_queue_op(state, CONTEXT, Deposit(1, NOW, 2, 33, 9)).applied
    assert state.account(2) == CARL.account(FUNDS_NTOK + 33)
    before = state.root
    assert not execute_queue_op(state, CONTEXT, Deposit(2, NOW, 9, 33, 9)).applied
    too_much = 2**64 - FUNDS_NTOK - 33
    assert not execute_queue_op(state, CONTEXT, Deposit(3, NOW, 2, too_much, 9)).applied
    assert state.root == before
    assert execute_queue_op(state, CONTEXT, Deposit(4, NOW, 2, too_much - 1, 9)).applied
    assert state.account(2).balance_ntok == 2**64 - 1


def test_fees_go_to_an_operator_who_exists() -> None:
    state = street()
    credit_fees(state, 2, 50)
    assert state.account(2).balance_ntok == FUNDS_NTOK + 50
    with pytest.raises(NoOperatorAccount):
        credit_fees(state, 9, 50)
    with pytest.raises(BalanceOverflow):
        credit_fees(state, 2, 2**64 - 1)


def test_the_bodies_of_other_peoples_accounts_are_never_touched() -> None:
    state = street()
    run(state, signed(Transfer(0, 1, 0, 5, 0, LATER), ANNA))
    run(state, signed(Open(0, 1, 1, 5, 0, WINDOW_S, LATER), ANNA))
    channel = state.find_channel(0)
    assert channel is not None
    run(state, signed(Close(channel.id, 0, 0, 5, 0, LATER), ANNA, BERT))
    assert state.account(2) == CARL.account()
