from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.channels import Lane, channel_id
from protocol.errors import Expired
from protocol.transactions import Body, Claim, Finalize, Open, TopUp, Transfer, Withdraw
from protocol.units import DAY_S
from sequencer.admission import Policy, check_policy
from sequencer.errors import (
    AmountZero,
    ExpiresTooLate,
    ExpiresTooSoon,
    FeeTooLow,
    WrongDomain,
)
from tests.protocol.street import ANNA, DOMAIN, NOW, signed

POLICY = Policy(minimum_fee_ntok=10, valid_at_least_s=100, valid_at_most_s=1_000)
SOON = NOW + 500
CHANNEL = channel_id(0, 1, 0)


def check(body: Body, given_domain: int | None = None) -> None:
    check_policy(POLICY, signed(body, ANNA), NOW, DOMAIN, given_domain)


@pytest.mark.parametrize(
    "body",
    [
        Transfer(0, 1, 0, 0, 10, SOON),
        Withdraw(0, 0, 0, 10, SOON),
        Open(0, 1, 0, 0, 10, DAY_S, SOON),
        TopUp(CHANNEL, Lane.AB, 0, 0, 10, SOON),
        Claim(CHANNEL, Lane.AB, 0),
    ],
)
def test_amounts_of_zero_are_refused(body: Body) -> None:
    with pytest.raises(AmountZero):
        check(body)


@pytest.mark.parametrize(
    "body",
    [
        Transfer(0, 1, 0, 1, 9, SOON),
        Withdraw(0, 0, 1, 9, SOON),
        Open(0, 1, 0, 1, 9, DAY_S, SOON),
        TopUp(CHANNEL, Lane.AB, 0, 1, 9, SOON),
    ],
)
def test_fees_below_the_minimum_are_refused(body: Transfer | Withdraw | Open | TopUp) -> None:
    with pytest.raises(FeeTooLow):
        check(body)
    check(replace(body, fee_ntok=10))


@pytest.mark.parametrize(
    ("valid_until", "error"),
    [
        (NOW - 1, Expired),
        (NOW, ExpiresTooSoon),
        (NOW + 99, ExpiresTooSoon),
        (NOW + 1_001, ExpiresTooLate),
    ],
)
def test_valid_until_is_neither_too_near_nor_too_far(
    valid_until: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        check(Transfer(0, 1, 0, 1, 10, valid_until))


@pytest.mark.parametrize("valid_until", [NOW + 100, NOW + 1_000])
def test_valid_until_within_the_limits_passes(valid_until: int) -> None:
    check(Transfer(0, 1, 0, 1, 10, valid_until))


def test_a_domain_that_is_given_must_be_this_rollups() -> None:
    check(Finalize(CHANNEL), DOMAIN)
    with pytest.raises(WrongDomain):
        check(Finalize(CHANNEL), DOMAIN + 1)
