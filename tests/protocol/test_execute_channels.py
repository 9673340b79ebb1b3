"""OPEN, TOP_UP, CLAIM, START_CLOSE, FINALIZE, CLOSE: each rule, each error by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.channels import Channel, Lane, Status, channel_id, pack_lane
from protocol.errors import (
    BadSignature,
    BalanceOverflow,
    ChannelNotClosing,
    ChannelNotOpen,
    DeadlineNotReached,
    DepositsDiffer,
    LaneNotHigher,
    NoFreeSlot,
    OutOfRange,
    SameParty,
    SlotTaken,
    UnknownAccount,
    UnknownChannel,
    WindowOutOfRange,
    WrongKey,
    WrongNonce,
)
from protocol.transactions import Claim, Finalize, Transaction
from protocol.units import DAY_S, L1_TIME_SLACK_S, MAX_WINDOW_S, MIN_WINDOW_S
from tests.protocol.refusal import refuse
from tests.protocol.street import (
    ANNA,
    BERT,
    DOMAIN,
    FUNDS_NTOK,
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
)

# --- OPEN -----------------------------------------------------------------------------------


def test_open_moves_the_deposit_into_a_channel_with_both_present_keys() -> None:
    state = street()
    trace = run(state, signed(open_(500, fee_ntok=9), ANNA))
    assert state.find_channel(0) == Channel(
        a_index=0,
        b_index=1,
        epoch=0,
        window_s=WINDOW_S,
        status=Status.OPEN,
        deadline=0,
        deposit_a_ntok=500,
        deposit_b_ntok=0,
        lane_ab=0,
        lane_ba=0,
        key_hash_a=ANNA.key_hash,
        key_hash_b=BERT.key_hash,
    )
    assert state.account(0).balance_ntok == FUNDS_NTOK - 509
    assert state.account(0).nonce == 1
    assert state.account(1) == BERT.account()
    assert trace.fee_ntok == 9
    assert trace.account_2 is not None
    assert trace.account_2.before == trace.account_2.after


def test_the_epoch_is_the_nonce_that_was_signed_so_ids_never_repeat() -> None:
    state, first = open_street()
    run(state, signed(close(first, 0, 0), ANNA, BERT))
    run(state, signed(open_(nonce=1), ANNA))
    second = state.find_channel(0)
    assert second is not None
    assert (first.epoch, second.epoch) == (0, 1)
    assert first.id != second.id


@pytest.mark.parametrize("window_s", [MIN_WINDOW_S, MAX_WINDOW_S])
def test_the_shortest_and_the_longest_window_are_allowed(window_s: int) -> None:
    run(street(), signed(replace(open_(), window_s=window_s), ANNA))


@pytest.mark.parametrize("window_s", [0, MIN_WINDOW_S - 1, MAX_WINDOW_S + 1, 2**32 - 1])
def test_other_windows_are_refused(window_s: int) -> None:
    refuse(street(), WindowOutOfRange, signed(replace(open_(), window_s=window_s), ANNA))
    assert (MIN_WINDOW_S, MAX_WINDOW_S) == (DAY_S, 30 * DAY_S)


def test_open_with_oneself_or_nobody_is_refused() -> None:
    refuse(street(), SameParty, signed(replace(open_(), b_index=0), ANNA))
    refuse(street(), UnknownAccount, signed(replace(open_(), b_index=9), ANNA))
    refuse(street(), UnknownAccount, signed(replace(open_(), a_index=9), ANNA))


def test_open_takes_the_lowest_free_slot_or_the_one_that_is_named() -> None:
    state, _ = open_street()
    assert run(state, signed(open_(nonce=1), ANNA)).slot == 1
    assert run(state, signed(open_(nonce=2), ANNA), slot=7).slot == 7
    assert run(state, signed(open_(nonce=3), ANNA)).slot == 2
    refuse(state, SlotTaken, signed(open_(nonce=4), ANNA), slot=7)
    refuse(state, OutOfRange, signed(open_(nonce=4), ANNA), slot=2**24)
    assert run(state, signed(open_(nonce=4), ANNA), slot=2**24 - 1).slot == 2**24 - 1


def test_open_is_refused_when_no_slot_is_free() -> None:
    state = street()
    state._full_below = 2**24  # as if every slot were in use
    with pytest.raises(NoFreeSlot):
        run(state, signed(open_(), ANNA))


def test_a_slot_that_a_channel_left_is_the_next_one_taken() -> None:
    state, channel = open_street()
    run(state, signed(open_(nonce=1), ANNA))
    run(state, signed(close(channel, 0, 0), ANNA, BERT))
    assert state.free_slot() == 0
    assert run(state, signed(open_(nonce=2), ANNA)).slot == 0


# --- TOP_UP ---------------------------------------------------------------------------------


def test_each_side_adds_to_its_own_deposit() -> None:
    state, channel = open_street(500)
    run(state, signed(top_up(channel.id, Lane.AB, 30), ANNA))
    trace = run(state, signed(replace(top_up(channel.id, Lane.BA, 40, 0), fee_ntok=4), BERT))
    topped = state.find_channel(0)
    assert topped == replace(channel, deposit_a_ntok=530, deposit_b_ntok=40)
    assert state.account(1) == BERT.account(FUNDS_NTOK - 44, nonce=1)
    assert trace.fee_ntok == 4


def test_top_up_by_the_other_side_or_of_a_closing_channel_is_refused() -> None:
    state, channel = open_street()
    refuse(state, WrongKey, signed(top_up(channel.id, Lane.BA, nonce=0), ANNA))
    state, channel = closing_street()
    refuse(state, ChannelNotOpen, signed(top_up(channel.id, nonce=2), ANNA))


def test_top_up_past_what_a_deposit_can_hold_is_refused() -> None:
    state, channel = open_street()
    state.write_channel(0, replace(channel, deposit_a_ntok=2**64 - 10))
    refuse(state, BalanceOverflow, signed(top_up(channel.id, amount_ntok=10), ANNA))
    run(state, signed(top_up(channel.id, amount_ntok=9), ANNA))


def test_top_up_of_a_channel_that_is_not_there_is_refused() -> None:
    refuse(street(), UnknownChannel, signed(top_up(channel_id(0, 1, 0)), ANNA))


# --- CLAIM ----------------------------------------------------------------------------------


def test_anyone_may_claim_either_lane_and_no_nonce_moves() -> None:
    state, channel = open_street()
    run(state, signed(claim(10, 90), ANNA))
    run(state, signed(claim(3, 20, Lane.BA), BERT))
    claimed = state.find_channel(0)
    lanes = pack_lane(10, 90), pack_lane(3, 20)
    assert claimed == replace(channel, lane_ab=lanes[0], lane_ba=lanes[1])
    assert state.account(0).nonce == 1
    assert state.account(1).nonce == 0


@pytest.mark.parametrize(
    ("energy_wh", "paid_ntok", "higher"),
    [
        (10, 90, False),
        (11, 90, True),
        (9, 91, True),  # ⚠ one integer: less energy, more paid is higher
        (2**40 - 1, 89, False),  # ⚠ more energy, less paid is lower
        (0, 0, False),
    ],
)
def test_higher_is_the_order_of_the_one_integer(
    energy_wh: int, paid_ntok: int, higher: bool
) -> None:
    state, _ = open_street()
    run(state, signed(claim(10, 90), ANNA))
    again = signed(claim(energy_wh, paid_ntok), ANNA)
    if higher:
        run(state, again)
    else:
        error = refuse(state, LaneNotHigher, again)
        assert isinstance(error, LaneNotHigher)
        assert (error.lane, error.leaf_lane) == (0, pack_lane(10, 90))


def test_a_claim_signed_by_the_payee_or_for_another_channel_is_refused() -> None:
    state, channel = open_street()
    refuse(state, WrongKey, signed(claim(1, 1), BERT))
    refuse(state, WrongKey, signed(claim(1, 1, Lane.BA), ANNA))
    body = claim(1, 1)
    other = Claim(channel_id(0, 1, 1), Lane.AB, body.lane_value)
    lane = Claim(channel.id, Lane.BA, body.lane_value)
    for message in (
        other.message(DOMAIN),
        lane.message(DOMAIN),
        body.message(DOMAIN + 1),
    ):
        refuse(state, BadSignature, Transaction(body, (ANNA.sign(message),)))
    refuse(state, UnknownChannel, signed(other, ANNA))


def test_claims_and_closes_verify_against_the_key_of_the_open_whatever_the_account_says() -> None:
    """⚠ A key change cannot void what was signed."""
    state, channel = open_street()
    changed = replace(state.account(0), key_hash=STRANGER.key_hash)
    state.write_account(0, changed)
    refuse(state, WrongKey, signed(claim(1, 1), STRANGER))
    run(state, signed(claim(1, 1), ANNA))
    refuse(state, WrongKey, signed(top_up(channel.id), ANNA))
    run(state, signed(top_up(channel.id), STRANGER))
    refuse(state, WrongKey, signed(start_close(channel.id, nonce=2), ANNA))
    run(state, signed(start_close(channel.id, nonce=2), STRANGER))
    ended = state.find_channel(0)
    assert ended is not None
    end = close(ended, ended.lane_ab, 0)
    refuse(state, WrongKey, signed(end, STRANGER, BERT))
    run(state, signed(end, ANNA, BERT))


def test_a_closing_channel_takes_a_claim_as_a_challenge() -> None:
    state, _ = closing_street()
    run(state, signed(claim(10, 90), ANNA))
    claimed = state.find_channel(0)
    assert claimed is not None
    assert claimed.status is Status.CLOSING


# --- START_CLOSE and FINALIZE ---------------------------------------------------------------


@pytest.mark.parametrize(("side", "who", "nonce"), [(Lane.AB, ANNA, 1), (Lane.BA, BERT, 0)])
def test_start_close_sets_the_deadline_with_the_slack_of_l1_time(
    side: Lane, who: Home, nonce: int
) -> None:
    """⚠ deadline = l1_time + 7,200 + window."""
    state, channel = open_street()
    run(state, signed(start_close(channel.id, side, nonce), who))
    closing = state.find_channel(0)
    deadline = NOW + 7_200 + WINDOW_S
    assert closing == replace(channel, status=Status.CLOSING, deadline=deadline)
    assert state.account(who.index).nonce == nonce + 1
    assert L1_TIME_SLACK_S == 7_200


def test_start_close_twice_or_by_a_stranger_is_refused() -> None:
    state, channel = open_street()
    refuse(state, WrongKey, signed(start_close(channel.id), STRANGER))
    refuse(state, WrongNonce, signed(start_close(channel.id, nonce=5), ANNA))
    state, channel = closing_street()
    refuse(state, ChannelNotOpen, signed(start_close(channel.id, nonce=2), ANNA))


def test_a_deadline_past_the_end_of_time_is_refused() -> None:
    state, channel = open_street()
    late = 2**40 - 1 - 7_200 - WINDOW_S
    body = replace(start_close(channel.id), valid_until=2**40 - 1)
    refuse(state, BalanceOverflow, signed(body, ANNA), at(late + 1))
    run(state, signed(body, ANNA), at(late))


def test_c5_finalize_waits_until_the_queue_is_covered_to_the_deadline() -> None:
    """⚠ A challenge that reached L1 before the deadline is consumed first."""
    state, channel = closing_street()
    done = signed(Finalize(channel.id))
    refuse(state, DeadlineNotReached, done, at(channel.deadline - 1))
    refuse(state, DeadlineNotReached, done, at(channel.deadline + 9, channel.deadline - 1))
    run(state, done, at(channel.deadline))
    assert state.find_channel(0) is None


def test_finalize_of_an_open_or_ended_channel_is_refused() -> None:
    state, channel = open_street()
    refuse(state, ChannelNotClosing, signed(Finalize(channel.id)), at(2**40 - 1))
    run(state, signed(close(channel, 0, 0), ANNA, BERT))
    refuse(state, UnknownChannel, signed(Finalize(channel.id)), at(2**40 - 1))


def test_finalize_pays_by_the_lanes_and_attests_no_energy() -> None:
    """⚠ sold and bought grow at CLOSE only."""
    state, channel = closing_street(500)
    run(state, signed(claim(10, 90), ANNA))
    run(state, signed(Finalize(channel.id)), at(channel.deadline))
    assert state.account(0) == ANNA.account(FUNDS_NTOK - 90, nonce=2)
    assert state.account(1) == BERT.account(FUNDS_NTOK + 90)


# --- CLOSE ----------------------------------------------------------------------------------


def test_close_pays_at_once_and_attests_the_energy_both_ways() -> None:
    state, channel = open_street(500)
    end = close(channel, pack_lane(10, 90), pack_lane(4, 30))
    trace = run(state, signed(end, ANNA, BERT))
    assert state.account(0) == replace(
        ANNA.account(FUNDS_NTOK - 60, nonce=1), bought_wh=10, sold_wh=4
    )
    assert state.account(1) == replace(BERT.account(FUNDS_NTOK + 60), sold_wh=10, bought_wh=4)
    assert state.find_channel(0) is None
    assert trace.channel is not None
    assert trace.channel.after is None


def test_a_closing_channel_can_still_be_closed_together() -> None:
    state, channel = closing_street()
    run(state, signed(close(channel, 0, 0), ANNA, BERT))
    assert state.find_channel(0) is None


def test_close_needs_both_signatures_in_order() -> None:
    state, channel = open_street()
    end = close(channel, 0, 0)
    refuse(state, WrongKey, signed(end, BERT, ANNA))
    refuse(state, WrongKey, signed(end, ANNA, ANNA))
    refuse(state, WrongKey, signed(end, STRANGER, BERT))
    good = signed(end, ANNA, BERT)
    other = signed(replace(end, lane_ab=1), ANNA, BERT)
    mixed = Transaction(end, (good.signatures[0], other.signatures[1]))
    refuse(state, BadSignature, mixed)


def test_close_below_a_claimed_lane_is_refused() -> None:
    state, _ = open_street()
    run(state, signed(claim(10, 90), ANNA))
    run(state, signed(claim(5, 40, Lane.BA), BERT))
    channel = state.find_channel(0)
    assert channel is not None
    low_ab = close(channel, channel.lane_ab - 1, channel.lane_ba)
    low_ba = close(channel, channel.lane_ab, channel.lane_ba - 1)
    for lane, body in enumerate((low_ab, low_ba)):
        error = refuse(state, LaneNotHigher, signed(body, ANNA, BERT))
        assert isinstance(error, LaneNotHigher)
        assert error.lane == lane
    run(state, signed(close(channel, channel.lane_ab, channel.lane_ba), ANNA, BERT))


def test_close_over_other_deposits_is_refused() -> None:
    """Else a CLOSE signed before a TOP_UP would pay out what was not agreed."""
    state, channel = open_street()
    end = signed(close(channel, 0, 0), ANNA, BERT)
    run(state, signed(top_up(channel.id), ANNA))
    refuse(state, DepositsDiffer, end)


def test_close_of_an_ended_channel_is_refused() -> None:
    state, channel = open_street()
    end = signed(close(channel, 0, 0), ANNA, BERT)
    run(state, end)
    refuse(state, UnknownChannel, end)


@pytest.mark.parametrize(
    ("paid_ab", "paid_ba", "to_b"),
    [(0, 0, 40), (90, 0, 130), (0, 30, 10), (90, 30, 100), (600, 0, 540), (0, 600, 0)],
)
def test_a_payout_is_clamped_to_what_was_deposited(paid_ab: int, paid_ba: int, to_b: int) -> None:
    state, channel = open_street(500)
    run(state, signed(top_up(channel.id, Lane.BA, 40, 0), BERT))
    channel = replace(channel, deposit_b_ntok=40)
    run(state, signed(close(channel, pack_lane(0, paid_ab), pack_lane(0, paid_ba)), ANNA, BERT))
    assert state.account(1).balance_ntok == FUNDS_NTOK - 40 + to_b
    assert state.account(0).balance_ntok == FUNDS_NTOK - 500 + 540 - to_b


def test_a_payout_that_fits_no_balance_is_refused() -> None:
    """Unreachable while all money is below 2^64 ntok; never a wrong state."""
    state, channel = open_street(500)
    state.write_account(1, BERT.account(2**64 - 1))
    end = close(channel, pack_lane(0, 1), 0)
    refuse(state, BalanceOverflow, signed(end, ANNA, BERT))


def test_an_energy_total_that_overflows_is_refused() -> None:
    state, channel = open_street(500)
    state.write_account(1, replace(BERT.account(), sold_wh=2**96 - 1))
    refuse(state, BalanceOverflow, signed(close(channel, 1, 0), ANNA, BERT))
