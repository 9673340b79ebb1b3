"""Nodes whose sequencer censors, lies or is gone: what is theirs gets to L1, and once only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from channels.duties import Duty, Patience
from channels.errors import ChannelClosing, NotFinalInTime, NothingToForce
from channels.handle import ChannelHandle
from channels.node import Node
from protocol.queue import ForcedClaim, ForcedFinalize, ForcedStartClose
from protocol.units import DAY_S, L1_TIME_SLACK_S
from tests.channels.conftest import FAST, START_NTOK, OpenNode
from tests.channels.fake_l1 import RollupL1
from tests.channels.rollup import Rollup
from tests.channels.test_lifecycle import kinds
from tests.channels.test_payments import pay, until

PATIENCE = Patience(start_close_s=3_600, finalize_s=3_600)
FORCING = replace(FAST, patience=PATIENCE, sequencer_patience_s=0.0)
PAID_NTOK = 400


@asynccontextmanager
async def paid(open_node: OpenNode) -> AsyncIterator[tuple[Node, ChannelHandle]]:
    """Ben (account 1), whom Ann has paid; she is gone."""
    async with open_node(1, settings=FORCING) as ben:
        async with open_node(0, peers={1: ben.url}) as ann:
            channel = await ann.open_channel(1, deposit_ntok=1_000, window_s=DAY_S)
            await pay(channel, energy_wh=4)
        yield ben, ben.channel(channel.id)


def forced(rollup: Rollup) -> list[type]:
    return [type(op) for op in rollup.queue.ops]


async def steps(node: Node, count: int = 3) -> None:
    """Rounds, more of them than anything needs."""
    for _ in range(count):
        await node._rounds.once()


async def test_c5_a_censored_close_is_forced_from_its_start_to_its_payout(
    open_node: OpenNode, rollup: Rollup
) -> None:
    rollup.censored = {"START_CLOSE", "CLAIM", "FINALIZE"}
    async with paid(open_node) as (ben, channel):
        with pytest.raises(NotFinalInTime):
            await channel.force_close(timeout_s=0.05)
        await steps(ben)
        assert forced(rollup) == []
        rollup.advance(PATIENCE.start_close_s)
        await steps(ben)
        assert forced(rollup) == [ForcedStartClose]
        rollup.consume()
        await steps(ben)
        assert (channel.info.status, forced(rollup)) == ("closing", [ForcedStartClose])
        rollup.advance(L1_TIME_SLACK_S + DAY_S // 4)
        await steps(ben)
        assert forced(rollup) == [ForcedStartClose, ForcedClaim]
        rollup.consume()
        rollup.advance(channel.info.deadline - rollup.time + PATIENCE.finalize_s - 1)
        await steps(ben)
        assert len(rollup.queue.ops) == 2
        rollup.advance(1)
        await steps(ben)
        assert forced(rollup) == [ForcedStartClose, ForcedClaim, ForcedFinalize]
        rollup.consume()
        await steps(ben)
        assert channel.info.status == "closed"
        assert ben.info().problem is None
    assert kinds(rollup) == ["OPEN"]
    assert rollup.final.account(1).balance_ntok == START_NTOK + PAID_NTOK


async def test_a_claim_that_is_only_soft_is_not_made(open_node: OpenNode, rollup: Rollup) -> None:
    rollup.censored = {"CLAIM"}
    async with paid(open_node) as (ben, channel):
        await channel.force_close(wait=False)
        await steps(ben)
        rollup.seals_itself, rollup.censored = False, set()
        await until(lambda: kinds(rollup)[-1] == "CLAIM")  # the sequencer says that it has it
        rollup.time += L1_TIME_SLACK_S + DAY_S // 4
        await steps(ben)
        assert forced(rollup) == [ForcedClaim]
        rollup.seal()
        rollup.time += DAY_S // 8
        await steps(ben)
        assert forced(rollup) == [ForcedClaim]


async def test_a_restart_does_not_enqueue_twice(open_node: OpenNode, rollup: Rollup) -> None:
    rollup.censored = {"CLAIM"}
    async with paid(open_node) as (ben, channel):
        await channel.force_close(wait=False)
        rollup.queue.mines_itself = False
        rollup.advance(L1_TIME_SLACK_S + DAY_S // 4)
        await steps(ben)
        assert len(rollup.queue.pool) == 1
    async with open_node(1, settings=FORCING) as ben:
        await steps(ben)
        assert len(rollup.queue.pool) == 1
        rollup.queue.mine(rollup.time)
        await steps(ben)
    async with open_node(1, settings=FORCING) as ben:
        await steps(ben)
        assert (forced(rollup), rollup.queue.pool) == ([ForcedClaim], {})
        rollup.consume()
        await steps(ben)
        assert rollup.final.channels[0].lane_ab >> 40 == PAID_NTOK
        assert len(rollup.queue.ops) == 1


async def test_reorg_that_drops_a_forced_op_makes_the_node_send_it_again(
    open_node: OpenNode, rollup: Rollup
) -> None:
    rollup.censored = {"CLAIM"}
    async with paid(open_node) as (ben, channel):
        await channel.force_close(wait=False)
        rollup.advance(L1_TIME_SLACK_S + DAY_S // 4)
        await steps(ben)
        rollup.queue.reorg(1)
        assert forced(rollup) == []
        await steps(ben)
        assert forced(rollup) == [ForcedClaim]


async def test_the_fee_has_a_limit_and_going_beyond_it_is_told(
    open_node: OpenNode, rollup: Rollup
) -> None:
    rollup.censored = {"CLAIM"}
    rollup.queue.fee_wei = FORCING.max_queue_fee_wei + 1
    async with paid(open_node) as (ben, channel):
        await channel.force_close(wait=False)
        rollup.advance(L1_TIME_SLACK_S + DAY_S // 4)
        await steps(ben)
        assert "QueueFeeTooHigh" in (ben.info().problem or "")
        assert forced(rollup) == []
        rollup.queue.fee_wei = FORCING.max_queue_fee_wei
        await steps(ben)
        assert forced(rollup) == [ForcedClaim]


# --- a sequencer that is gone -------------------------------------------------------------------


async def test_a_node_follows_its_channels_without_a_sequencer(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with paid(open_node) as (ben, channel):
        rollup.is_down = True
        rollup.queue.ops.clear()
        await ben._rounds.wish_to_force(ben._boxes[channel.id])
        rollup.advance(PATIENCE.start_close_s)
        await steps(ben, 2)
        assert forced(rollup) == [ForcedStartClose]
        rollup.consume()
        await steps(ben, 1)
        assert channel.info.status == "closing"
        assert ben.info().problem is not None
    async with open_node(1, settings=FORCING) as ben:  # opened while it is still gone
        rollup.advance(L1_TIME_SLACK_S + DAY_S // 4)
        await steps(ben, 1)
        assert forced(rollup) == [ForcedStartClose, ForcedClaim]
        rollup.is_down = False
        rollup.consume()
        await steps(ben, 1)
        assert rollup.final.channels[0].lane_ab >> 40 == PAID_NTOK


async def test_a_sequencer_whose_paths_lead_elsewhere_is_not_needed(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with paid(open_node) as (ben, channel):
        rollup.lie_about_deposits = True
        rollup.advance(12)
        await until(lambda: ben.info().final_time == rollup.final_time)
        await steps(ben)
        assert channel.info.status == "open"
        assert ben._boxes[channel.id].state.verified.l1_time == rollup.final_time  # type: ignore[union-attr]


async def test_patience_comes_before_the_replay(open_node: OpenNode, rollup: Rollup) -> None:
    l1 = RollupL1(rollup.url)
    patient = replace(FORCING, sequencer_patience_s=3_600.0)
    async with open_node(1, settings=patient, l1=l1) as ben:
        rollup.is_down = True
        await steps(ben, 1)
        assert l1.replays == 0


# --- a stolen key -------------------------------------------------------------------------------


async def test_after_a_key_change_channels_of_the_old_key_are_closed_by_force(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with paid(open_node) as (ben, channel):
        account = rollup.soft.account(1)
        rollup.soft.write_account(1, replace(account, key_hash=12_345))
        rollup.seal()
        await until(lambda: ben.info().final_block == rollup.block)
        await steps(ben)
        with pytest.raises(ChannelClosing):
            await channel.top_up(5)
        with pytest.raises(ChannelClosing):
            await pay(channel)
        rollup.advance(PATIENCE.start_close_s)
        await steps(ben)
        assert forced(rollup) == [ForcedStartClose]


async def test_a_key_that_is_to_be_replaced_closes_its_channels_at_once(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with paid(open_node) as (ben, channel):
        assert await ben.retire_key() == 1
        with pytest.raises(ChannelClosing):
            await pay(channel)
        await until(lambda: "START_CLOSE" in kinds(rollup))


async def test_an_owner_can_force_without_waiting(open_node: OpenNode, rollup: Rollup) -> None:
    rollup.censored = {"START_CLOSE", "CLAIM", "FINALIZE"}
    async with paid(open_node) as (ben, channel):
        assert await ben.queue_fee_wei() == rollup.queue.fee_wei
        for duty in (Duty.CLAIM, Duty.START_CLOSE):
            record = await ben.force(channel.id, duty)
            assert record is not None
            again = await ben.force(channel.id, duty)
            assert again is not None
            assert again.signed == record.signed
        assert forced(rollup) == [ForcedClaim, ForcedStartClose]
        rollup.consume()
        with pytest.raises(NothingToForce):
            await ben.force(channel.id, Duty.CLAIM)
