"""What a node has to submit, for each combination of what it wants and what the chain shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels.closing import propose_close, sign_close
from channels.duties import Duty, Patience, duty_of, forced_duty_of, wanted_now
from channels.errors import ChannelClosing, ChannelNotFinal, NothingToForce
from channels.forced import WantClaim, Wanted, WantFinalize, WantStartClose
from channels.lanes import ChannelState, accept_voucher, see_leaf, sign_payment
from channels.records import Intent
from protocol.channels import Channel, Lane, Status
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


# --- what goes to L1 itself ---------------------------------------------------------------------

BEGAN = CLOSING.deadline - CLOSING.window_s
QUARTER = CLOSING.window_s // 4
CLOSING_PAID = replace(PAID, verified=ben(CLOSING).verified)
CLAIMED_STATE = replace(CLOSING_PAID, verified=ben(CLAIMED).verified)
CLAIM, FINALIZE = WantClaim(0, VOUCHER), WantFinalize(0, CLOSING.id, CLOSING.deadline)
START_CLOSE = WantStartClose(0, LEAF.id, Lane.BA)
PATIENCE = Patience(start_close_s=3_600, finalize_s=600)


@pytest.mark.parametrize(
    ("state", "intent", "head_time", "expected"),
    [
        (CLOSING_PAID, Intent.KEEP, BEGAN + QUARTER - 1, None),
        (CLOSING_PAID, Intent.KEEP, BEGAN + QUARTER, CLAIM),
        (CLOSING_PAID, Intent.KEEP, CLOSING.deadline + 10**6, CLAIM),
        (CLAIMED_STATE, Intent.KEEP, CLOSING.deadline + 599, None),
        (CLAIMED_STATE, Intent.KEEP, CLOSING.deadline + 600, FINALIZE),
        (PAID, Intent.KEEP, NOW + 10**6, None),
        (PAID, Intent.FORCE, NOW + 3_599, None),
        (PAID, Intent.FORCE, NOW + 3_600, START_CLOSE),
        (unverified(PAID), Intent.FORCE, NOW + 10**6, None),
        (see_leaf(PAID, None), Intent.FORCE, NOW + 10**6, None),
    ],
)
def test_the_forced_duty(
    state: ChannelState, intent: Intent, head_time: int, expected: Wanted | None
) -> None:
    assert forced_duty_of(state, intent, NOW, NOW, head_time, 0, PATIENCE) == expected


def test_a_claim_goes_to_l1_before_half_of_the_window_is_over() -> None:
    """Looked at every hour, as the worst of nodes would: the rule leaves room for that."""
    half = CLOSING.deadline - CLOSING.window_s // 2
    first = next(
        time
        for time in range(BEGAN, half, 3_600)
        if forced_duty_of(CLOSING_PAID, Intent.KEEP, NOW, NOW, time, 0, PATIENCE) is not None
    )
    assert first < half


def test_an_old_leaf_forces_claims_but_nothing_that_may_have_happened_since() -> None:
    late, newer = CLOSING.deadline + 10**6, NOW + 1
    assert forced_duty_of(CLOSING_PAID, Intent.KEEP, NOW, newer, late, 0, PATIENCE) == CLAIM
    assert forced_duty_of(CLAIMED_STATE, Intent.KEEP, NOW, newer, late, 0, PATIENCE) is None
    assert forced_duty_of(ben(), Intent.FORCE, NOW, newer, late, 0, PATIENCE) is None


def test_what_nobody_shows_is_claimed_as_if_it_were_closing() -> None:
    """A close in a batch whose blob is withheld: its deadline is not before `seen` + window."""
    verified = PAID.verified
    assert verified is not None
    seen = verified.l1_time
    due = seen + LEAF.window_s // 4
    for intent in Intent:
        assert forced_duty_of(PAID, intent, due, seen + 1, due - 1, 0, PATIENCE) is None
        for head_time in (due, seen + LEAF.window_s // 2, seen + 10**9):
            assert forced_duty_of(PAID, intent, due, seen + 1, head_time, 0, PATIENCE) == CLAIM
            began_at = head_time - PATIENCE.unseen_s + 1  # it has only just been started
            found = forced_duty_of(PAID, intent, due, seen + 1, head_time, began_at, PATIENCE)
            assert found is None
    assert forced_duty_of(PAID, Intent.KEEP, NOW, seen, due, 0, PATIENCE) is None
    claimed = ben(replace(LEAF, lane_ab=VOUCHER.lane_value)).verified
    assert claimed is not None
    nothing = replace(PAID, verified=claimed)
    assert forced_duty_of(nothing, Intent.KEEP, NOW, seen + 1, seen + 10**9, 0, PATIENCE) is None


# --- what an owner asks for at once -------------------------------------------------------------


def test_what_can_be_forced_now() -> None:
    assert wanted_now(PAID, Duty.START_CLOSE, NOW) == START_CLOSE
    assert wanted_now(PAID, Duty.CLAIM, NOW) == CLAIM
    assert wanted_now(CLOSING_PAID, Duty.CLAIM, NOW) == CLAIM
    assert wanted_now(CLAIMED_STATE, Duty.FINALIZE, CLOSING.deadline) == FINALIZE


@pytest.mark.parametrize(
    ("state", "what", "time", "error"),
    [
        (CLOSING_PAID, Duty.START_CLOSE, NOW, NothingToForce),
        (CLAIMED_STATE, Duty.CLAIM, NOW, NothingToForce),
        (ben(), Duty.CLAIM, NOW, NothingToForce),
        (PAID, Duty.FINALIZE, NOW, NothingToForce),
        (CLAIMED_STATE, Duty.FINALIZE, CLOSING.deadline - 1, NothingToForce),
        (unverified(PAID), Duty.CLAIM, NOW, ChannelNotFinal),
        (see_leaf(PAID, None), Duty.CLAIM, NOW, ChannelClosing),
    ],
)
def test_what_l1_would_do_nothing_about_is_refused(
    state: ChannelState, what: Duty, time: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        wanted_now(state, what, time)
