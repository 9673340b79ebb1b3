"""A CLOSE is signed over exactly what both hold, for an hour, and silences the lanes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.closing import (
    check_close,
    close_transaction,
    complete_close,
    propose_close,
    sign_close,
)
from channels.errors import (
    BadVoucherSignature,
    ChannelClosing,
    ChannelNotFinal,
    CloseExpiry,
    CloseMismatch,
    CloseSigned,
    WrongChannel,
    WrongVoucherKey,
)
from channels.lanes import accept_voucher, require_open, see_leaf, sign_payment
from protocol.accounts import Account
from protocol.execute import execute
from protocol.state import State
from protocol.trace import Context
from protocol.units import DAY_S
from tests.channels.street import (
    ANN,
    BEN,
    CLOCK,
    DOMAIN,
    EVE,
    LEAF,
    NOW,
    PAYMENT,
    POLICY,
    ann,
    ben,
    unverified,
    voucher,
)

HOUR_S = 3_600
PAID_ANN, VOUCHER = sign_payment(ann(), PAYMENT, NOW, ANN.sign)
PAID_BEN = accept_voucher(ben(), VOUCHER, PAYMENT, CLOCK, BEN.key_hash, POLICY)
BODY = propose_close(PAID_ANN, NOW)


def test_both_sides_sign_what_the_executor_accepts() -> None:
    first = sign_close(PAID_ANN, BODY, NOW, ANN.sign)
    assert close_transaction(first) is None
    assert first.close is not None
    second = sign_close(PAID_BEN, BODY, NOW, BEN.sign, first.close.own_signature)
    assert second.close is not None
    first = complete_close(first, second.close.own_signature)
    transaction = close_transaction(first)
    assert transaction == close_transaction(second)
    assert transaction is not None
    accounts = {home.index: Account(home.key_hash, 1, 6, 0, 0, 0) for home in (ANN, BEN)}
    state = State.of(accounts, {0: LEAF})
    execute(state, Context(DOMAIN, NOW, NOW), transaction)
    assert state.account(BEN.index).balance_ntok == PAYMENT.amount_ntok
    assert state.account(ANN.index).bought_wh == PAYMENT.energy_wh


@pytest.mark.parametrize("field", ["lane_ab", "lane_ba", "deposit_a_ntok", "deposit_b_ntok"])
@pytest.mark.parametrize("by", [1, -1])
def test_refuses_other_lanes_or_deposits_than_both_hold(field: str, by: int) -> None:
    changed = getattr(BODY, field) + by
    if changed >= 0:
        with pytest.raises(CloseMismatch) as raised:
            check_close(PAID_BEN, replace(BODY, **{field: changed}), NOW)
        assert raised.value.what == field


def test_refuses_a_close_that_leaves_out_the_newest_voucher() -> None:
    later, _ = sign_payment(PAID_ANN, PAYMENT, NOW, ANN.sign)
    with pytest.raises(CloseMismatch):
        sign_close(later, BODY, NOW, ANN.sign)


@pytest.mark.parametrize("ahead_s", [-1, HOUR_S + 1, 1 << 30])
def test_refuses_an_expired_close_and_one_that_lands_after_an_hour(ahead_s: int) -> None:
    with pytest.raises(CloseExpiry):
        check_close(PAID_BEN, replace(BODY, valid_until=NOW + ahead_s), NOW)
    check_close(PAID_BEN, replace(BODY, valid_until=NOW + HOUR_S), NOW)


def test_refuses_a_close_of_another_channel_or_of_none() -> None:
    with pytest.raises(WrongChannel):
        check_close(PAID_BEN, replace(BODY, channel_id=LEAF.id + 1), NOW)
    with pytest.raises(ChannelNotFinal):
        propose_close(unverified(ben()), NOW)
    with pytest.raises(ChannelClosing):
        propose_close(see_leaf(ben(), None), NOW)


def test_refuses_a_peer_signature_that_is_not_the_peers_over_this_close() -> None:
    with pytest.raises(WrongVoucherKey):
        sign_close(PAID_BEN, BODY, NOW, BEN.sign, EVE.sign(BODY.message(DOMAIN)))
    other = replace(BODY, valid_until=BODY.valid_until + 1)
    with pytest.raises(BadVoucherSignature):
        sign_close(PAID_BEN, BODY, NOW, BEN.sign, ANN.sign(other.message(DOMAIN)))
    signed = sign_close(PAID_ANN, BODY, NOW, ANN.sign)
    with pytest.raises(BadVoucherSignature):
        complete_close(signed, BEN.sign(other.message(DOMAIN)))
    with pytest.raises(ChannelNotFinal):
        complete_close(PAID_ANN, BEN.sign(BODY.message(DOMAIN)))


def test_after_a_close_nothing_is_signed_or_accepted_until_a_day_after_it_ran_out() -> None:
    payer = sign_close(PAID_ANN, BODY, NOW, ANN.sign)
    payee = sign_close(PAID_BEN, BODY, NOW, BEN.sign)
    end = BODY.valid_until + DAY_S
    for time in (NOW, BODY.valid_until, end):
        clock = replace(CLOCK, final_time=time)
        with pytest.raises(CloseSigned):
            sign_payment(payer, PAYMENT, time, ANN.sign)
        later = voucher(PAYMENT.on(VOUCHER.lane_value))
        with pytest.raises(CloseSigned):
            accept_voucher(payee, later, PAYMENT, clock, BEN.key_hash, POLICY)
    require_open(payer, end + 1)
    sign_payment(payer, PAYMENT, end + 1, ANN.sign)


def test_a_later_close_never_shortens_the_silence() -> None:
    long = sign_close(PAID_ANN, replace(BODY, valid_until=NOW + HOUR_S), NOW, ANN.sign)
    again = sign_close(long, replace(BODY, valid_until=NOW + 1), NOW, ANN.sign)
    assert again.close is not None
    assert again.close.locked_until == NOW + HOUR_S + DAY_S
