"""Payouts: each stands where the proof says, in its widths, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts import errors
from contracts.batches import Payout
from contracts.chain import Chain
from contracts.reader import ABI
from protocol.errors import OutOfRange
from tests.support.simulated_rollup import (
    FIRST_USER_MESSAGE,
    SHAPE,
    SimulatedRollup,
    deploy_simulated,
    payout,
)

RECIPIENT = "0x" + 38 * "0" + "AB"


def test_withdrawals_stand_where_the_proof_says_and_nowhere_else(
    rollup: SimulatedRollup,
) -> None:
    rollup.fill_queue(1)
    ops = rollup.queue(1, 1)
    good = payout(1, RECIPIENT, 7)
    honest = rollup.honest(1, ops, (good,))
    rollup.try_submit(honest)
    width = SHAPE.message_length
    for position in [*range(16), width, width + 1, 2**32 - 1]:
        if position == 7:
            continue
        with pytest.raises(errors.BadWithdrawalPosition):
            rollup.try_submit(replace(honest, payouts=(replace(good, position=position),)))
    for payouts in [(), (payout(0, RECIPIENT, 7),), (payout(2, RECIPIENT, 7),)]:
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(replace(honest, payouts=payouts))
    for payouts in [
        (payout(1, RECIPIENT, 8),),
        (payout(1, "0x" + 38 * "0" + "AC", 7),),
        (good, payout(2, RECIPIENT, 1)),
    ]:
        with pytest.raises(errors.MessagesMismatch):
            rollup.try_submit(replace(honest, payouts=payouts))


def test_withdrawal_positions_strictly_increase(shared: SimulatedRollup) -> None:
    first, second = payout(0, RECIPIENT, 1), payout(2, RECIPIENT, 2)
    honest = shared.honest(1, (), (first, second))
    shared.try_submit(honest)
    for payouts in [(second, first), (first, first), (first, second, second)]:
        with pytest.raises(errors.BadWithdrawalPosition):
            shared.try_submit(replace(honest, payouts=payouts))


def test_a_queue_slots_output_counts_only_where_an_op_was_consumed(
    rollup: SimulatedRollup,
) -> None:
    """Position 8j + 7 is possible for a consumed slot j; for others the element must be 0."""
    rollup.fill_queue(1)
    ops = rollup.queue(1, 1)
    at_7 = replace(payout(0, RECIPIENT, 3), position=7)
    rollup.try_submit(rollup.honest(1, ops, (at_7,)))  # if a circuit ever proved it
    at_15 = replace(at_7, position=15)
    with pytest.raises(errors.BadWithdrawalPosition):
        rollup.try_submit(rollup.honest(1, ops, (at_15,)))


def test_a_withdrawal_of_zero_is_not_listed(shared: SimulatedRollup) -> None:
    zero = payout(0, RECIPIENT, 0)
    with pytest.raises(errors.WithdrawalZero):
        shared.try_submit(replace(shared.honest(1), payouts=(zero,)))


def test_addresses_and_amounts_cannot_run_into_each_other(shared: SimulatedRollup) -> None:
    """2^64 ntok to 0xab has the same element as 0 to 0xab + ...: a word has one reading."""
    good = payout(0, RECIPIENT, 7)
    assert shared.honest(1, (), (good,)).calldata().endswith(good.word().to_bytes(32, "big"))
    assert Payout.from_word(good.word()) == good
    assert Payout.from_word(2**256 - 1) == Payout(2**32 - 1, 2**160 - 1, 2**64 - 1)
    for bad in (
        replace(good, l1_address=2**160),
        replace(good, amount_ntok=2**64),
        replace(good, position=2**32),
    ):
        with pytest.raises(OutOfRange):
            bad.word()


def test_positions_are_counted_from_8q(chain: Chain) -> None:
    assert 8 * SHAPE.queue_slots == FIRST_USER_MESSAGE
    rollup = deploy_simulated(chain, chain.accounts[0])
    rollup.client.submit_batch(rollup.honest(1, (), (payout(2, RECIPIENT, 4),)))
    (pending,) = rollup.client.pending_withdrawals()
    assert (pending.position, pending.recipient) == (18, RECIPIENT)
    assert ABI.functions["submit_batch"].selector
