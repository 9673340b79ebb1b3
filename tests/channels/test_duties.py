"""What a node has to submit, for each combination of what it wants and what the chain shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.closing import propose_close, sign_close
from channels.duties import Duty, duty_of
from channels.lanes import ChannelState, accept_voucher, see_leaf, sign_payment
from channels.records import Intent
from protocol.channels import Channel, Status
from tests.channels.street import (
    ANN,
    BEN,
    CLOCK,
    DOMAIN,
    LEAF,
    NOW,
    PAYMENT,
    POLICY,
    ann,
    ben,
    leaf,
    unverified,
)

_, VOUCHER = sign_payment(ann(), PAYMENT, NOW, ANN.sign)
PAID: ChannelState = accept_voucher(ben(), VOUCHER, PAYMENT, CLOCK, BEN.key_hash, POLICY)
CLOSING = leaf(status=Status.CLOSING)
CLAIMED = replace(CLOSING, lane_ab=VOUCHER.lane_value)


@pytest.mark.parametrize(
    ("state", "intent", "soft", "time", "expected"),
    [
        (PAID, Intent.KEEP, LEAF, NOW, None),
        (PAID, Intent.KEEP, CLOSING, NOW, Duty.CLAIM),
        (PAID, Intent.KEEP, CLOSING, CLOSING.deadline + 1, Duty.CLAIM),
        (PAID, Intent.KEEP, CLAIMED, NOW, None),
        (PAID, Intent.KEEP, CLAIMED, CLOSING.deadline - 1, None),
        (PAID, Intent.KEEP, CLAIMED, CLOSING.deadline, Duty.FINALIZE),
        (ben(), Intent.KEEP, CLOSING, NOW, None),
        (ben(), Intent.KEEP, CLOSING, CLOSING.deadline, Duty.FINALIZE),
        (PAID, Intent.FORCE, LEAF, NOW, Duty.START_CLOSE),
        (PAID, Intent.FORCE, CLOSING, NOW, Duty.CLAIM),
        (PAID, Intent.FORCE, None, NOW, None),
        (unverified(PAID), Intent.FORCE, LEAF, NOW, None),
        (see_leaf(PAID, None), Intent.FORCE, LEAF, NOW, None),
    ],
)
def test_the_duty(
    state: ChannelState, intent: Intent, soft: Channel | None, time: int, expected: Duty | None
) -> None:
    assert duty_of(state, intent, soft, time) is expected


def test_a_close_that_both_signed_is_submitted_until_it_runs_out() -> None:
    body = propose_close(PAID, NOW)
    half = sign_close(PAID, body, NOW, BEN.sign)
    assert duty_of(half, Intent.KEEP, LEAF, NOW) is None
    whole = sign_close(PAID, body, NOW, BEN.sign, ANN.sign(body.message(DOMAIN)))
    assert duty_of(whole, Intent.KEEP, LEAF, NOW) is Duty.CLOSE
    assert duty_of(whole, Intent.KEEP, LEAF, body.valid_until) is Duty.CLOSE
    assert duty_of(whole, Intent.KEEP, LEAF, body.valid_until + 1) is None
    assert duty_of(whole, Intent.FORCE, LEAF, body.valid_until + 1) is Duty.START_CLOSE
